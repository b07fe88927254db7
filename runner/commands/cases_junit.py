"""What came of cases as JUnit's XML, which CI systems read.

Its form is that of https://github.com/testmoapp/junitxml: suites of files, cases with `file` and `line`.
"""

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from ebats.runner.commands.cases_text import report
from ebats.runner.commands.cases_tried import Tried

#: What XML 1.0 can't have, not even escaped (section 2.2).
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def document(tried: Sequence[Tried], started: str) -> bytes:
    """Return the document; `started` is the moment at which the first began, as ISO 8601 writes it."""
    root = ElementTree.Element("testsuites", _counts("ebats", tried))
    for file in dict.fromkeys(each.file for each in tried):
        own = [each for each in tried if each.file == file]
        more = {"file": _clean(file), "timestamp": started}
        suite = ElementTree.SubElement(root, "testsuite", {**_counts(file, own), **more})
        for each in own:
            _add(suite, each)
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _counts(name: str, tried: Sequence[Tried]) -> dict[str, str]:
    errors = sum(bool(each.trouble) for each in tried)
    failed = sum(not each.is_good for each in tried)
    return {
        "name": _clean(name),
        "tests": str(len(tried)),
        "failures": str(failed - errors),
        "errors": str(errors),
        "skipped": "0",
        "time": _seconds(sum(each.seconds for each in tried)),
    }


def _add(suite: ElementTree.Element, tried: Tried) -> None:
    place = tried.case.place
    case = ElementTree.SubElement(
        suite,
        "testcase",
        {
            "name": _clean(tried.case.name),
            "classname": _clean(tried.file.rpartition(".")[0].replace("/", ".") or tried.file),
            "file": _clean(place.file),
            "line": str(place.line),
            "time": _seconds(tried.seconds),
        },
    )
    if not tried.is_good:
        kind, message = ("error", tried.trouble) if tried.trouble else ("failure", _first(tried))
        found = ElementTree.SubElement(case, kind, {"message": _clean(message), "type": "ebats"})
        found.text = _clean(report(tried))
    if tried.printed:
        ElementTree.SubElement(case, "system-out").text = _clean(tried.printed)


def _first(tried: Tried) -> str:
    found = [str(each) for each in tried.findings()]
    return found[0] + (f" (and {len(found) - 1} more)" if len(found) > 1 else "")


def _seconds(seconds: float) -> str:
    return f"{seconds:.6f}"


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
