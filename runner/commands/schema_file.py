"""`ebats schema`: the JSON Schema of pipeline files, for editors and other programs."""

import contextlib
import os
import sys
from pathlib import Path

from ebats import schemas
from ebats.pipelines.problems import UnreadableFile


def main(output: str | None) -> int:
    """Print the schema, or write it to a file; return 0.

    Raises:
        UnreadableFile: it can't be written.
    """
    text = schemas.text("pipeline.v1")
    if output is None:
        sys.stdout.write(text)
        return 0
    # An editor may read it at any time: it is there as a whole or not at all.
    target = Path(output)
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise UnreadableFile(f"can't write {output}: {error.strerror}") from error
    return 0
