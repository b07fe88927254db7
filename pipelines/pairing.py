"""Two sequences beside each other, as a diff shows them: what goes with what, and what stands alone."""

from collections.abc import Callable

#: More than so many comparisons would take seconds: then what stands at the same position goes together.
_MOST = 1_000_000
#: The score of two that are alike in all: what begins so needs no comparing.
PERFECT = 100

Pair = tuple[int | None, int | None]


def pairs(left: int, right: int, score: Callable[[int, int], int]) -> list[Pair]:
    """Return the indexes of two sequences of these lengths in pairs, in order; None: it stands alone.

    `score` says how well two go together; 0: they don't. The sum of the scores is the
    largest that there is (Needleman and Wunsch), and of equal ones the earliest pairs.
    """
    start = 0
    while start < min(left, right) and score(start, start) == PERFECT:
        start += 1
    head: list[Pair] = [(index, index) for index in range(start)]
    rows, columns = left - start, right - start
    if rows * columns > _MOST:
        return head + [
            (i if i < left else None, i if i < right else None) for i in range(start, max(left, right))
        ]
    sums = _sums(rows, columns, lambda i, j: score(i + start, j + start))
    return head + _walk(sums, rows, columns, start)


def _sums(rows: int, columns: int, score: Callable[[int, int], int]) -> list[list[tuple[int, str]]]:
    """Return, for what is left from each cell on, the best sum and the step that leads to it."""
    sums: list[list[tuple[int, str]]] = [[(0, "")] * (columns + 1) for _ in range(rows + 1)]
    for i in reversed(range(rows + 1)):
        for j in reversed(range(columns + 1)):
            steps = []
            if i < rows and j < columns and (fit := score(i, j)):
                steps.append((fit + sums[i + 1][j + 1][0], "both"))
            if i < rows:
                steps.append((sums[i + 1][j][0], "left"))
            if j < columns:
                steps.append((sums[i][j + 1][0], "right"))
            if steps:
                sums[i][j] = max(steps, key=lambda step: step[0])
    return sums


def _walk(sums: list[list[tuple[int, str]]], rows: int, columns: int, start: int) -> list[Pair]:
    found: list[Pair] = []
    i = j = 0
    while i < rows or j < columns:
        step = sums[i][j][1]
        found.append((None if step == "right" else i + start, None if step == "left" else j + start))
        i, j = i + (step != "right"), j + (step != "left")
    return found
