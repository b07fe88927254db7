"""A `tls` section: its paths made absolute."""

from ebats.pipelines import rules
from ebats.pipelines.source import Path
from ebats.pipelines.tls import Tls
from ebats.pipelines.values import Values

_FILES = ("ca_certs", "certfile", "keyfile")


def resolve_tls(values: Values, path: Path) -> Tls | None:
    """Return the section at `path`; None: there is none."""
    if values.get(*path) is None and path[-1] not in values.keys(*path[:-1]):
        return None
    paths = {key: values.file_path(*path, key) for key in _FILES}
    if paths["keyfile"] and not paths["certfile"]:
        text = "`keyfile` stands here without `certfile`"
        values.problem_at_key(rules.LONELY_KEY, (*path, "keyfile"), text, "add the certificate of this key")
    return Tls(**{key: file for key, file in paths.items() if file})
