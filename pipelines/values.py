"""The values of a checked file, one by one; what is wrong with them is collected, not raised."""

from collections.abc import Iterable, KeysView, Mapping
from typing import Any, TypeVar

from ebats.pipelines import rules
from ebats.pipelines.entry_point import EntryPoint
from ebats.pipelines.ladder import format_duration, parse_duration
from ebats.pipelines.problems import Place, Problem
from ebats.pipelines.rules import Rule
from ebats.pipelines.secrets import one_line, shown
from ebats.pipelines.sizes import format_size, parse_size
from ebats.pipelines.source import Path, Source
from ebats.pipelines.suggestion import suggest, suggest_zone

MS_A_YEAR = 365 * 86_400_000

T = TypeVar("T")


class Values:
    """Looks values up by their path. One that is missing, or that the schema refused, is None."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self._faults = set(source.faults)

    def get(self, *path: str | int) -> Any:
        """Return a value, or None."""
        # In a good file nothing is broken, and values are asked for a hundred thousand times.
        if self.source.broken and self.is_broken(*path):
            return None
        value = self.source.data
        try:
            for step in path:
                value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
        return value

    def keys(self, *path: str | int) -> KeysView[str]:
        """Return the keys of a mapping in the file's order; none where there is no mapping."""
        value = self.get(*path)
        return (value if isinstance(value, dict) else {}).keys()

    def items(self, *path: str | int) -> Iterable[tuple[int, Any]]:
        """Return position and value of a list's usable items; none where there is no list."""
        value = self.get(*path)
        pairs = enumerate(value if isinstance(value, list) else ())
        return [(index, item) for index, item in pairs if (*path, index) not in self.source.broken]

    def is_broken(self, *path: str | int) -> bool:
        """Return whether the schema refused this value, or one around it."""
        return self.source.is_broken(path)

    def is_any_broken(self, path: Path, keys: Iterable[str]) -> bool:
        """Return whether the schema refused one of these keys of a mapping, or they are there misspelt."""
        return any(self.is_broken(*path, key) for key in keys)

    def has_error(self, *path: str | int) -> bool:
        """Return whether an error was found so far in this value, or in something inside it."""
        return any(fault[: len(path)] == path for fault in self._faults)

    def duration_ms(
        self, *path: str | int, default: str = "0s", low: int = 1, high: int = 10 * MS_A_YEAR
    ) -> int:
        """Return a duration in milliseconds; out of its bounds it is a problem."""
        value = self.get(*path)
        if value is None:
            return parse_duration(default)
        ms = parse_duration(value)
        if ms < low:
            self.problem(
                rules.OUT_OF_BOUNDS, path, f"`{value}` is too short", f"write {format_duration(low)} or more"
            )
        elif ms > high:
            self.problem(
                rules.OUT_OF_BOUNDS,
                path,
                f"`{value[:60]}` is too long",
                f"write {format_duration(high)} or less",
            )
        return ms

    def seconds(self, *path: str | int, default: str, low: int = 1, high: int = 86_400_000) -> float:
        """Return a duration in seconds; out of its bounds it is a problem."""
        return self.duration_ms(*path, default=default, low=low, high=high) / 1000

    def seconds_or_none(
        self, *path: str | int, default: str, low: int = 1, high: int = 10 * MS_A_YEAR
    ) -> float | None:
        """Return a duration in seconds, of ten years at most; None: it is `none`."""
        if self.get(*path) == "none":
            return None
        return self.seconds(*path, default=default, low=low, high=high)

    def size(self, *path: str | int, low: int) -> int | None:
        """Return a size in bytes, or None; below its bound it is a problem."""
        value = self.get(*path)
        if value is None:
            return None
        size = parse_size(value)
        if size < low:
            self.problem(
                rules.OUT_OF_BOUNDS, path, f"`{value}` is too small", f"write {format_size(low)} or more"
            )
        return size

    def file_path(self, *path: str | int) -> str | None:
        """Return a path that is written, absolute: it begins where the file that it stands in is; or None."""
        value = self.get(*path)
        return None if value is None else str(self.source.folder(path) / value)

    def entry_point(self, *path: str | int) -> EntryPoint | None:
        """Return a function's entry point, or None."""
        value = self.get(*path)
        if value is None:
            return None
        module, _, attribute = value.partition(":")
        return EntryPoint(module=module, attribute=attribute, place=self.source.place(path))

    def reference(self, *path: str | int, kind: str, known: Mapping[str, T], section: Path = ()) -> T | None:
        """Return what the value names in the section `{kind}s`, or `section`; an unknown is a problem."""
        name = self.get(*path)
        if name is None:
            return None
        # A task without a queue makes one.
        sections: list[Path] = [("queues",), ("tasks",)] if kind == "queue" else [section or (f"{kind}s",)]
        if name not in known and not any(self.is_broken(*each) for each in sections):
            hint = suggest(name, known) or f"add it to `{kind}s`"
            self.problem(rules.UNKNOWN_NAME, path, f"there is no {kind} `{name}`", hint)
        return known.get(name)

    def references(
        self, *path: str | int, kind: str, known: Mapping[str, T], section: Path = ()
    ) -> tuple[T, ...]:
        """Return what the names of a list name; each unknown one is a problem."""
        found = [
            self.reference(*path, index, kind=kind, known=known, section=section)
            for index, _ in self.items(*path)
        ]
        return tuple(item for item in found if item is not None)

    def check_timezone(self, *path: str | int) -> None:
        """Note it where a value is the name of no time zone; one that is missing is good."""
        name = self.get(*path)
        if name in (None, "UTC"):
            return
        if name == "localtime":
            hint = "write its IANA name, such as Europe/Berlin: it has to be the same on all machines"
            self.problem(rules.BAD_TIMEZONE, path, "`localtime` is another zone on each machine", hint)
            return
        import zoneinfo  # its database is on the disk: most commands don't need it

        try:
            zoneinfo.ZoneInfo(name)
        except (OSError, ValueError, zoneinfo.ZoneInfoNotFoundError):
            near = suggest_zone(name, sorted(zoneinfo.available_timezones()))
            hint = near or "write an IANA name, such as Europe/Berlin"
            self.problem(rules.BAD_TIMEZONE, path, f"there is no time zone `{shown(name)}`", hint)

    def problem(self, rule: Rule, path: Path, text: str, hint: str) -> None:
        """Note that a value breaks a rule."""
        self._note(rule, path, self.source.place(path), text, hint)

    def problem_at_key(self, rule: Rule, path: Path, text: str, hint: str) -> None:
        """Note that a definition, or one of its keys, breaks a rule as a whole."""
        self._note(rule, path, self.source.key_place(path), text, hint)

    def _note(self, rule: Rule, path: Path, place: Place, text: str, hint: str) -> None:
        if rule.severity == "error":
            self._faults.add(path)
        # Names that the schema refused, with line breaks in them, come here too.
        self.problems.append(Problem(place=place, rule=rule, text=one_line(text), hint=one_line(hint)))
