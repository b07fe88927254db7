"""A `tls` section: its paths made absolute."""

from pathlib import Path as Folder

from ebats.pipelines import rules
from ebats.pipelines.source import Path
from ebats.pipelines.tls import Tls
from ebats.pipelines.values import Values

_FILES = ("ca_certs", "certfile", "keyfile")


def resolve_tls(values: Values, path: Path, folder: Folder) -> Tls | None:
    """Return the section at `path`; None: there is none. Its files are relative to `folder`."""
    if values.get(*path) is None and path[-1] not in values.keys(*path[:-1]):
        return None
    paths = {key: values.get(*path, key) for key in _FILES}
    if paths["keyfile"] and not paths["certfile"]:
        text = "`keyfile` stands here without `certfile`"
        values.problem_at_key(rules.LONELY_KEY, (*path, "keyfile"), text, "add the certificate of this key")
    return Tls(**{key: str(folder / file) for key, file in paths.items() if file})
