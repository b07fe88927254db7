"""A resolved file's data as it is written again: what means the same, without variables and includes."""

import os
from pathlib import Path as Folder
from typing import Any

from ebats.pipelines.source import Path, Source

#: Keys of the top that the resolved file has nothing left of.
_DONE = ("include",)
_CERTIFICATES = ("ca_certs", "certfile", "keyfile")
_SQLITE = "sqlite:///"


def written(source: Source) -> Any:
    """Return the data of a checked source, to be written to a file in the same folder.

    Dollar signs are doubled where a variable could stand, and relative paths that an included file of
    another folder has begin in this one's: what is read again is the same.
    """
    folder = source.folder()
    return {
        key: _value(value, (key,), source, folder) for key, value in source.data.items() if key not in _DONE
    }


def _value(value: Any, path: Path, source: Source, folder: Folder) -> Any:
    if _is_in_schema(path, value):
        # Nothing is filled in there.
        return value
    if isinstance(value, dict):
        return {key: _value(inner, (*path, key), source, folder) for key, inner in value.items()}
    if isinstance(value, list):
        return [_value(inner, (*path, index), source, folder) for index, inner in enumerate(value)]
    if not isinstance(value, str):
        return value
    return _moved(value, path, source.folder(path), folder).replace("$", "$$")


def _is_in_schema(path: Path, value: Any) -> bool:
    return len(path) == 3 and path[0] == "events" and path[2] == "schema" and isinstance(value, dict)


def _moved(text: str, path: Path, base: Folder, folder: Folder) -> str:
    """Return a text that may be a path, from the folder of another file."""
    if base == folder or not text:
        return text
    if path[:2] == ("broker", "url") and text.startswith(_SQLITE):
        return _SQLITE + _from(base, text.removeprefix(_SQLITE), folder)
    return _from(base, text, folder) if _is_path(path) else text


def _is_path(path: Path) -> bool:
    """Return whether what stands there is a path."""
    if path[0] == "events":
        return len(path) == 3 and path[2] == "schema"
    if path[0] == "logs":
        return path[2:] in (("file", "path"), ("elasticsearch", "spool", "path")) or path[-1] in _CERTIFICATES
    in_section = path[0] in ("broker", "alerts") or path[2:4] == ("http", "tls")
    return in_section and path[-1] in _CERTIFICATES


def _from(base: Folder, file: str, folder: Folder) -> str:
    return file if Folder(file).is_absolute() else os.path.relpath(base / file, folder)
