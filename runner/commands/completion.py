"""`ebats completion`: what a shell needs to complete the commands, their options and their files."""

import argparse
import sys
from collections.abc import Iterator
from typing import Any

import shtab

from ebats.pipelines.rules import RULES

#: What an argument is called that takes a path.
_FILES = {"FILE", "PATH", "OUT", "LINES"}
_FOLDERS = {"DIR", "FOLDER"}
#: What an argument is called that takes a name of the file, and the section that the name stands in.
_NAMES = {
    "EVENT": "events",
    "EVENT|QUEUE": "events",
    "TASK": "tasks",
    "QUEUE": "queues",
    "CONSUMER": "consumers",
}

#: Names come from `ebats list`, of the first pipeline file on the line.
_BASH = """\
# $1: a section, $2: the word at the cursor
_ebats_names() {
  local file
  for file in "${COMP_WORDS[@]}"; do
    if [[ "$file" =~ \\.ya?ml$ && -f "$file" ]]; then
      compgen -W "$(ebats list "$1" "$file" 2>/dev/null | awk 'NR > 1 {print $1}')" -- "$2"
      return
    fi
  done
}
"""
_ZSH = """\
_ebats_names() {
  local file
  local -a names
  for file in $words; do
    if [[ "$file" == *.(yaml|yml) && -f "$file" ]]; then
      names=(${(f)"$(ebats list "$1" "$file" 2>/dev/null | awk 'NR > 1 {print $1}')"})
      compadd -a names
      return
    fi
  done
}
"""
_FISH = """\
function _ebats_names
  for file in (commandline -opc)
    if string match -qr '\\.ya?ml$' -- $file; and test -f $file
      ebats list $argv[1] $file 2>/dev/null | awk 'NR > 1 {print $1}'
      return
    end
  end
end
"""


def main(shell: str, parser: argparse.ArgumentParser) -> int:
    """Print the script that completes what a parser takes, for a shell; return the exit code."""
    for action in _actions(parser):
        _tell(action)
    sys.stdout.write(shtab.complete(parser, shell))
    return 0


def _tell(action: argparse.Action) -> None:
    """Say of an argument what stands there, where that is more than any text."""
    names = {action.metavar} if isinstance(action.metavar, str) else set(action.metavar or ())
    # shtab reads it off the action: it has no other way to be told.
    if action.dest == "file" and names & _FILES:
        action.complete = shtab.glob("*.yaml", "*.yml")  # type: ignore[attr-defined]
    elif names & _FILES:
        action.complete = shtab.FILE  # type: ignore[attr-defined]
    elif names & _FOLDERS:
        action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
    elif section := next((_NAMES[name] for name in names if name in _NAMES), ""):
        action.complete = _names(section)  # type: ignore[attr-defined]
    elif action.dest == "rules":
        action.choices = tuple(RULES)


def _names(section: str) -> dict[str, Any]:
    """Return what completes the names of a section, as shtab wants it."""
    function = f"_ebats_names_{section}"
    return {
        "bash": function,
        "zsh": f"{{_ebats_names {section}}}",
        "fish": f"(_ebats_names {section})",
        "preamble": {
            "bash": f'{_BASH}{function}() {{ _ebats_names {section} "$1"; }}\n',
            "zsh": _ZSH,
            "fish": _FISH,
        },
    }


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield the arguments of a parser, and of the commands below it."""
    for action in parser._actions:  # argparse has no public way to list them
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from _actions(below)
