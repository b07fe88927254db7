"""The colours of a picture, in light and in dark, and its fonts. Colours mean something: see the legend."""

from collections.abc import Mapping

#: Of each kind of box: its filling and its border.
_LIGHT: Mapping[str, tuple[str, str]] = {
    "outside": ("#f6f7f9", "#8a94a3"),
    "producer": ("#e3eefc", "#3f7fd0"),
    "exchange": ("#f1edfb", "#8a6fd1"),
    "event": ("#ffffff", "#b9a8e6"),
    "key": ("#ffffff", "#b9a8e6"),
    "rung": ("#fff3d1", "#c98a12"),
    "queue": ("#ddf3ee", "#23917f"),
    "slot": ("#ffffff", "#8fcabf"),
    "task": ("#ffffff", "#47566b"),
    "ladder": ("#fff8e5", "#c98a12"),
    "chip": ("#ffe9b3", "#e0b453"),
    "dead": ("#fde6e4", "#cc3d33"),
    "consumer": ("#eef8f6", "#23917f"),
    "sink": ("#f6f7f9", "#8a94a3"),
    "channel": ("#f6f7f9", "#8a94a3"),
}
_DARK: Mapping[str, tuple[str, str]] = {
    "outside": ("#1d242e", "#7d8896"),
    "producer": ("#17304d", "#5a9be8"),
    "exchange": ("#2a2344", "#9a83dd"),
    "event": ("#191f2b", "#6d5ba3"),
    "key": ("#191f2b", "#6d5ba3"),
    "rung": ("#4a3710", "#d9a032"),
    "queue": ("#12352f", "#38ab97"),
    "slot": ("#191f2b", "#2f7468"),
    "task": ("#222b38", "#a5b3c5"),
    "ladder": ("#332813", "#d9a032"),
    "chip": ("#54400f", "#8f6d22"),
    "dead": ("#43191a", "#ea6b62"),
    "consumer": ("#16282a", "#38ab97"),
    "sink": ("#1d242e", "#7d8896"),
    "channel": ("#1d242e", "#7d8896"),
}
#: Of lines: messages on their way, failed attempts, the dead, what follows a success.
_LINES_LIGHT = {
    "way": "#75859b",
    "retry": "#c98a12",
    "die": "#cc3d33",
    "then": "#2c8a3e",
    "on_dead": "#cc3d33",
}
_LINES_DARK = {
    "way": "#8b9bb1",
    "retry": "#d9a032",
    "die": "#ea6b62",
    "then": "#58b86a",
    "on_dead": "#ea6b62",
}
_FONTS = (
    '-apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "Liberation Sans", "DejaVu Sans", '
    '"PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif'
)


def css() -> str:
    """Return the style sheet."""
    dark = "\n".join(f"  {rule}" for rule in _colours(_DARK, _LINES_DARK, "#12171f", "#e6ebf2", "#a9b4c2"))
    return "\n".join(
        (
            f"text {{ font: 11px {_FONTS} }}",
            ".name { font-size: 13px; font-weight: 600 }",
            ".title { font-size: 20px; font-weight: 600 }",
            ".heading { font-weight: 600 }",
            "path { fill: none; stroke-width: 1.5 }",
            ".on_dead, .external { stroke-dasharray: 5 3 }",
            *_colours(_LIGHT, _LINES_LIGHT, "#ffffff", "#1c2733", "#5a6676"),
            "@media (prefers-color-scheme: dark) {",
            dark,
            "}",
        )
    )


def _colours(
    boxes: Mapping[str, tuple[str, str]], lines: Mapping[str, str], page: str, text: str, soft: str
) -> list[str]:
    return [
        f".page {{ fill: {page} }}",
        f"text {{ fill: {text} }}",
        f".soft {{ fill: {soft} }}",
        *(f".{kind} {{ fill: {fill}; stroke: {line} }}" for kind, (fill, line) in boxes.items()),
        *(f"path.{kind} {{ stroke: {colour} }}" for kind, colour in lines.items()),
        *(f"path.head.{kind} {{ stroke: none; fill: {colour} }}" for kind, colour in lines.items()),
    ]
