"""The files of one database: where they are, who may read them, and what disk they are on."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from ebats.runner.broker.sqlite import errors

#: File systems on which locks or shared memory don't work between processes (sqlite.org/wal.html).
NETWORK_FILE_SYSTEMS = frozenset(
    [
        "9p",
        "afs",
        "ceph",
        "cifs",
        "coda",
        "fuse",
        "gfs",
        "gfs2",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "smb2",
        "smb3",
        "smbfs",
        "vboxsf",
    ]
)
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Files:
    """Paths around one database. Nothing here ever opens the database itself: closing any descriptor of it
    drops the locks that SQLite holds for this process (sqlite.org/howtocorrupt.html, 2.2)."""

    database: str

    @property
    def folder(self) -> str:
        """Everything of ours beside the database: locks, wake-up pipes, ballast."""
        return self.database + ".d"

    @property
    def mutex(self) -> str:
        """Locked by the process that writes."""
        return f"{self.folder}/lock"

    @property
    def wal(self) -> str:
        """SQLite's write-ahead log."""
        return self.database + "-wal"

    @property
    def shm(self) -> str:
        """The index of that log, by which its processes know of each other (sqlite.org/walformat.html)."""
        return self.database + "-shm"

    @property
    def marker(self) -> str:
        """Present once the database was complete, so that one cut to nothing is noticed."""
        return f"{self.folder}/created"

    @property
    def ballast(self) -> str:
        """Room set aside: given up when the disk is full, so that acknowledging still works."""
        return f"{self.folder}/ballast"

    def pipe(self, owner: int) -> str:
        """The wake-up pipe of an owner."""
        return f"{self.folder}/{owner}.wake"


def locate(path: str) -> Files:
    """Take the path of a URL, relative to the working directory; give absolute paths.

    Raises InvalidPath for a path that isn't one of a file in an existing folder.
    """
    if path in ("", "/") or path.startswith(":memory:"):
        errors.bad_path(
            f"{path!r}: a file is needed, such as sqlite:///queue.db (relative) or sqlite:////var/lib/queue.db"
        )
    database = os.path.realpath(path)
    if not Path(database).parent.is_dir():
        errors.bad_path(f"{database}: its folder does not exist; make it, or name another file in the URL")
    if Path(database).is_dir():
        errors.bad_path(f"{database} is a folder; name a file in the URL")
    return Files(database)


def prepare(files: Files) -> None:
    """Make the folder beside the database, for its owner only; refuse a network file system."""
    kind = file_system(files.database)
    if kind.split(".")[0] in NETWORK_FILE_SYSTEMS:
        text = f"{files.database} is on a network file system ({kind}), where locks don't hold"
        errors.bad_path(f"{text}; name a file on a local disk in the URL")
    try:
        Path(files.folder).mkdir(mode=0o700, exist_ok=True)
    except FileExistsError:
        errors.bad_path(f"{files.database} needs the folder {files.folder}, which is no folder; move it away")


def file_system(path: str) -> str:
    """Name the type of the file system that holds `path`; empty where the system doesn't tell (not Linux)."""
    if not sys.platform.startswith("linux"):
        return ""
    best, kind = "", ""
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines():
        left, _, right = line.partition(" - ")
        mount = left.split(" ")[4].encode().decode("unicode_escape")
        inside = path == mount or path.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, right.split(" ")[0]
    return kind


def create_private(path: str) -> None:
    """Make an empty file that only its owner may read. The umask can't be used: it is everybody's."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))


@dataclass(frozen=True, slots=True)
class Room:
    """How full a disk may get, in bytes."""

    #: Publishers elsewhere are refused below this.
    publishers: int
    #: So are publishes of a process that consumes (retries, dead letters) below this.
    workers: int
    #: Size of the file that is given up when even acknowledging finds no room.
    ballast: int

    @property
    def log(self) -> int:
        """The log is moved into the database when it has grown to this. On a disk that somebody has filled
        meanwhile that takes as much room again: the ballast is twice as large."""
        return self.ballast // 2

    @property
    def short_log(self) -> int:
        """The same while the disk is nearly full."""
        return min(MIB, self.ballast // 4)


def room_for(files: Files) -> Room:
    """Scale the limits to the disk, so that small ones can be used at all."""
    disk = os.statvfs(files.folder)
    total = disk.f_blocks * disk.f_frsize
    return Room(
        publishers=min(64 * MIB, total // 5),
        workers=min(24 * MIB, total // 10),
        ballast=min(16 * MIB, total // 20),
    )


def free_bytes(files: Files) -> int:
    """Bytes that an ordinary user may still write on the disk of the database."""
    disk = os.statvfs(files.folder)
    return disk.f_bavail * disk.f_frsize


def keep_ballast(files: Files, room: Room) -> None:
    """Set the ballast aside, if it isn't there and the disk has plenty."""
    if (
        room.ballast == 0
        or Path(files.ballast).exists()
        or free_bytes(files) < room.publishers + room.ballast
    ):
        return
    descriptor = os.open(files.ballast, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        _allocate(descriptor, room.ballast)
    finally:
        os.close(descriptor)


def _allocate(descriptor: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
        return
    for _ in range(size // MIB):  # macOS has no posix_fallocate: write the blocks
        os.write(descriptor, bytes(MIB))


def drop_ballast(files: Files) -> bool:
    """Give the ballast up; say whether there was one."""
    try:
        Path(files.ballast).unlink()
    except FileNotFoundError:
        return False
    return True
