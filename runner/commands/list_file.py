"""`ebats list SECTION FILE`: what is in a file, without a broker."""

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from ebats.pipelines.load import examine
from ebats.pipelines.secrets import conceal
from ebats.runner.commands.columns import columns
from ebats.runner.commands.listing import SECTIONS, SHOWN, Row


def main(section: str, file: str, environ: Mapping[str, str], format_: str) -> int:
    """Print a section of a file, as a table or as JSON; return 0.

    Raises:
        EbatsError: the file is bad, or can't be read.
    """
    loaded = examine(file, environ)
    rows = [_concealed(row, loaded.source.contents) for row in SECTIONS[section](loaded)]
    if format_ == "json":
        sys.stdout.write(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
    elif rows:
        sys.stdout.write(_table(SHOWN[section], rows))
    else:
        sys.stdout.write(f"no {section}\n")
    return 0


def _concealed(row: Row, contents: Iterable[str]) -> Row:
    """Return a row without what came out of files of secrets."""
    return {
        key: conceal(value, contents)
        if isinstance(value, str)
        else [conceal(each, contents) for each in value]
        if isinstance(value, list)
        else value
        for key, value in row.items()
    }


def _table(keys: Iterable[str], rows: list[Row]) -> str:
    """Return rows as a table; a column that has nothing in it is left out."""
    used = [key for key in keys if any(row[key] not in (None, [], False) for row in rows)]
    heads = [key.replace("_", " ").upper() for key in used]
    return columns(heads, ([_cell(row[key]) for key in used] for row in rows))


def _cell(value: Any) -> str:
    if value is None or value == []:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)
