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
