"""Data as YAML text that reads back as the same data, by version 1.1 and 1.2 of YAML alike."""

from typing import TYPE_CHECKING, Any

import yaml

from ebats.pipelines import scalars

if TYPE_CHECKING:
    from yaml import SafeDumper as _BaseDumper
else:
    # The one in C asks for anchors, and is no faster for files of this size.
    from yaml import SafeDumper as _BaseDumper

_BREAKS = set("\x85\u2028\u2029")
_TAG = "tag:yaml.org,2002:"


class _Dumper(_BaseDumper):
    """Writes each value where it is used, without anchors, and items of a list below their key."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 (PyYAML's)
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # YAML 1.1 breaks lines at some more characters, and would fold them.
    style = '"' if _BREAKS & set(text) else "|" if "\n" in text else None
    return dumper.represent_scalar(f"{_TAG}str", text, style=style)


_Dumper.add_representer(str, _text)
# Texts that look like other types get quotes. PyYAML knows those of YAML 1.1, `yes` and `0755`; these
# are 1.2's, such as `1e3`.
for _kind, (_pattern, _first) in scalars.KINDS.items():
    _Dumper.add_implicit_resolver(_TAG + _kind, _pattern, _first)


def dump(data: Any) -> str:
    """Return data as YAML, in its own order; the last line ends with a line break."""
    text: str = yaml.dump(
        data, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=10**9, default_flow_style=False
    )
    return text.removesuffix("...\n")
