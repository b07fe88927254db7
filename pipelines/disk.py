"""What stands at a path, for who opens it next: where nobody may look, that one says so."""

from pathlib import Path


def is_file(path: Path) -> bool:
    """Return whether a file is there; not so if its folder is locked, or its name too long for a file."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """Return whether a folder is there; see `is_file`."""
    try:
        return path.is_dir()
    except OSError:
        return False
