"""Environment variables in a text: `${VAR}`, `${VAR:-default}`, and `$$` for a dollar sign."""

import re
from collections.abc import Mapping

from ebats.pipelines import rules
from ebats.pipelines.rules import Rule

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BRACE = re.compile(r"\$\$|\$\{|\}")


class VariableError(ValueError):
    """Raised when a text can't be filled: its text says why, `hint` what to do."""

    def __init__(self, text: str, hint: str, rule: Rule = rules.MALFORMED_VARIABLE) -> None:
        super().__init__(text)
        self.hint = hint
        self.rule = rule


def substitute(text: str, environ: Mapping[str, str]) -> str:
    """Return `text` with its variables filled in, by the rules of docker compose's interpolation.

    Takes the text of one value, never of a key. `:-` stands in for a variable
    that is unset or empty, and its default may hold variables itself. A single
    dollar sign means nothing yet, so that it can get a meaning later.

    Raises:
        VariableError: a variable is unset and has no default, or the text is malformed.
    """
    parts: list[str] = []
    position = 0
    while (dollar := text.find("$", position)) >= 0:
        parts.append(text[position:dollar])
        part, position = _one(text, dollar, environ)
        parts.append(part)
    parts.append(text[position:])
    return "".join(parts)


def _one(text: str, dollar: int, environ: Mapping[str, str]) -> tuple[str, int]:
    """Return what stands for the `$...` at `dollar`, and where the text goes on."""
    if text.startswith("$$", dollar):
        return "$", dollar + 2
    if not text.startswith("${", dollar):
        name = _NAME.match(text, dollar + 1)
        hint = (
            f"write ${{{name[0]}}} for the variable, or $$ for a dollar sign" if name else "write $$ for it"
        )
        raise VariableError("a single `$` has no meaning here", hint)
    end = _closing_brace(text, dollar)
    return _value(text[dollar + 2 : end], environ), end + 1


def _closing_brace(text: str, dollar: int) -> int:
    depth = 0
    for found in _BRACE.finditer(text, dollar):
        if found[0] == "${":
            depth += 1
        elif found[0] == "}":
            depth -= 1
            if depth == 0:
                return found.start()
    raise VariableError("a `${` has no `}`", "write ${NAME} or ${NAME:-default}")


def _value(inside: str, environ: Mapping[str, str]) -> str:
    name = _NAME.match(inside)
    rest = inside[name.end() :] if name else inside
    if not name or (rest and not rest.startswith(":-")):
        raise VariableError("what stands in `${}` is no variable", "write ${NAME} or ${NAME:-default}")
    if rest:
        return environ.get(name[0]) or substitute(rest[2:], environ)
    if name[0] not in environ:
        hint = f"set it, or give it a default: ${{{name[0]}:-default}}"
        raise VariableError(f"the environment variable {name[0]} isn't set", hint, rules.UNSET_VARIABLE)
    return environ[name[0]]
