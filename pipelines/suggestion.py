"""What somebody may have meant by a name that isn't known. It imports little: children look names up too."""

from collections.abc import Iterable
from difflib import get_close_matches


def suggest(word: str, known: Iterable[str]) -> str:
    """Return a hint that names the known word nearest to a misspelt one; all of them where none is near."""
    names = list(known)
    near = nearest(word, names)
    if near is not None:
        return f"did you mean `{near}`?"
    listed = ", ".join(f"`{name}`" for name in names[:20])
    return f"there {'is' if len(names) == 1 else 'are'} {listed}" if names else ""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that a misspelt one is nearest to; None where none is near."""
    return next(iter(get_close_matches(word, list(known), 1, 0.7)), None)


def suggest_zone(word: str, zones: Iterable[str]) -> str:
    """Return a hint that names the time zone that was meant; an empty text where that would be a guess.

    A city goes by its name alone. Abbreviations are never corrected: `CEST` looks like `EST`, and is
    seven hours from it; and `GMT+8` is `Etc/GMT-8`.
    """
    names = [name for name in zones if not name.startswith("Etc/")]
    folded = word.casefold()
    same = [name for name in names if folded in (name.casefold(), name.casefold().rpartition("/")[2])]
    near = same[0] if same else nearest(word, names) if "/" in word else None
    return f"did you mean `{near}`?" if near else ""
