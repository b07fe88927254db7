"""The content of a file that a value is kept in: `${file:/run/secrets/password}`."""

from pathlib import Path

from ebats.pipelines import rules
from ebats.pipelines.secrets import shown
from ebats.pipelines.variables import VariableError

_MOST_BYTES = 65_536


def read(folder: Path, path: str) -> str:
    """Return the content of a file, without the line break at its end; a relative path begins in `folder`.

    Raises:
        VariableError: it can't be read, or is no text; what stands in it is never told.
    """
    name = shown(path)
    try:
        file = folder / path
        # What is no file may never end, or never begin.
        is_file = file.is_file() or not file.exists()
        content = _content(file) if is_file else b""
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no path"
        raise _bad(name, str(why), "make it, let this user read it, or name another") from None
    if not is_file:
        raise _bad(name, "it is no file", "name a file")
    if len(content) > _MOST_BYTES:
        raise _bad(name, "it is larger than 64 KiB", "name a file with the value alone")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _bad(name, "it isn't UTF-8", "save it in that encoding") from None
    return text[:-2] if text.endswith("\r\n") else text.removesuffix("\n")


def _content(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(_MOST_BYTES + 1)


def _bad(name: str, why: str, hint: str) -> VariableError:
    return VariableError(f"the file `{name}` can't be read: {why}", hint, rules.BAD_SECRET_FILE)
