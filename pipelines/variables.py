"""Variables in a text, by docker compose's rules: `$VAR`, `${VAR:-default}`, `$$`; and `${file:PATH}`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ebats.pipelines import rules
from ebats.pipelines.rules import Rule
from ebats.pipelines.secrets import HIDDEN

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: What stands between the braces: `A`, `A-b`, `A:-b`, and so with `?` and `+`.
BRACED = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?P<how>:?[-?+])(?P<rest>.*))?", re.DOTALL)
#: `${file:-x}` is a variable that is called `file`, as in compose.
FILE = re.compile(r"file:(?![-?+])")
#: Defaults in defaults.
_DEEPEST = 16


class VariableError(ValueError):
    """Raised when a text can't be filled: its text says why, `hint` what to do."""

    def __init__(self, text: str, hint: str, rule: Rule = rules.MALFORMED_VARIABLE) -> None:
        super().__init__(text)
        self.hint = hint
        self.rule = rule


def _no_file(path: str) -> str:
    raise VariableError(f"`${{file:{path}}}` has no meaning here", "write the value itself")


def substitute(text: str, environ: Mapping[str, str], read: Callable[[str], str] = _no_file) -> str:
    """Return `text` with its variables filled in, by the rules of docker compose's interpolation.

    They are those of https://docs.docker.com/reference/compose-file/interpolation, but for two: a
    variable that is unset and has no default is an error, and `${file:PATH}` is what `read` returns
    for the path. What a variable holds isn't looked through again. Only the branch that is taken is
    filled in, as in a shell; the other one has to be well-formed.

    Raises:
        VariableError: a variable is unset and has no default, or the text is malformed, or `read` says so.
    """
    return _Filler(environ.get, read).fill(text, 0) if "$" in text else text


@dataclass(frozen=True, slots=True)
class _Filler:
    lookup: Callable[[str], str | None]
    read: Callable[[str], str]

    def fill(self, text: str, depth: int) -> str:
        if depth > _DEEPEST:
            raise VariableError("variables are nested too deeply here", f"nest them {_DEEPEST} deep at most")
        parts: list[str] = []
        position = 0
        while (dollar := text.find("$", position)) >= 0:
            parts.append(text[position:dollar])
            part, position = self._one(text, dollar, depth)
            parts.append(part)
        parts.append(text[position:])
        return "".join(parts)

    def _one(self, text: str, dollar: int, depth: int) -> tuple[str, int]:
        """Return what stands for the `$...` at `dollar`, and where the text goes on."""
        if text.startswith("$$", dollar):
            return "$", dollar + 2
        if text.startswith("${", dollar):
            end = closing_brace(text, dollar)
            return self._braced(text[dollar + 2 : end], depth + 1), end + 1
        name = NAME.match(text, dollar + 1)
        if not name:
            raise VariableError("a single `$` has no meaning here", "write $$ for a dollar sign")
        value = self._value(name[0])
        if value is None:
            hint = f"set it, give it a default: ${{{name[0]}:-default}}, or write $$ for a dollar sign"
            raise _unset(name[0], hint)
        return value, name.end()

    def _braced(self, inside: str, depth: int) -> str:
        if file := FILE.match(inside):
            return self._content(inside[file.end() :], depth)
        found = BRACED.fullmatch(inside)
        if not found:
            hint = "write ${NAME}, ${NAME:-default} or ${file:PATH}"
            raise VariableError("what stands in `${}` is no variable", hint)
        name, how, rest = found["name"], found["how"] or "", found["rest"] or ""
        value = self._value(name)
        is_there = value is not None and (value != "" or not how.startswith(":"))
        if not how:
            if value is None:
                raise _unset(name, f"set it, or give it a default: ${{{name}:-default}}")
            return value
        if how.endswith("?") and not is_there:
            raise self._needed(name, value, rest, depth)
        if is_there != how.endswith("+"):
            _LENIENT.fill(rest, depth)
            return value or "" if is_there else ""
        return self.fill(rest, depth)

    def _value(self, name: str) -> str | None:
        value = self.lookup(name)
        if value is not None and not value.isascii() and value != value.encode(errors="replace").decode():
            raise VariableError(f"the environment variable {name} isn't UTF-8", "set it to a text")
        return value

    def _content(self, path: str, depth: int) -> str:
        filled = self.fill(path, depth)
        if not filled:
            raise VariableError("`${file:}` names no file", "write such as ${file:/run/secrets/password}")
        return self.read(filled)

    def _needed(self, name: str, value: str | None, message: str, depth: int) -> VariableError:
        why = _Filler(self.lookup, lambda _: HIDDEN).fill(message, depth)
        state = "isn't set" if value is None else "is empty"
        text = f"the environment variable {name} {state}" + (f": {why}" if why else "")
        return VariableError(text, "set it", rules.NEEDED_VARIABLE)


#: For the branch that isn't taken: everything is there.
_LENIENT = _Filler(lambda _: "x", lambda _: "x")


def _unset(name: str, hint: str) -> VariableError:
    return VariableError(f"the environment variable {name} isn't set", hint, rules.UNSET_VARIABLE)


def closing_brace(text: str, dollar: int) -> int:
    """Return where the braces that begin behind `dollar` end; those between them have to be in pairs."""
    depth = 0
    for position in range(dollar + 1, len(text)):
        if text[position] == "{":
            depth += 1
        elif text[position] == "}":
            depth -= 1
            if depth == 0:
                return position
    raise VariableError("a `${` has no `}`", "write ${NAME} or ${NAME:-default}")
