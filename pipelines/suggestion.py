"""What somebody may have meant by a name that isn't known. It imports little: children look names up too."""

from collections.abc import Iterable
from difflib import get_close_matches


def suggest(word: str, known: Iterable[str]) -> str:
    """Return a hint that names the known word nearest to a misspelt one; all of them where none is near."""
    names = list(known)
    near = get_close_matches(word, names, 1, 0.7)
    if near:
        return f"did you mean `{near[0]}`?"
    listed = ", ".join(f"`{name}`" for name in names[:20])
    return f"there {'is' if len(names) == 1 else 'are'} {listed}" if names else ""
