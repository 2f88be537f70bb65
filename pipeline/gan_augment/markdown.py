"""Markdown that shows names and sentences as they are, whatever signs they hold."""

import re
from collections.abc import Iterable, Sequence

# All that CommonMark, GitHub's tables and formulas read inside a line. An underscore within a word
# is none of it.
_SIGNS = re.compile(r"[\\`*\[\]<>|~&$]|(?<![^\W_])_|_(?![^\W_])")


class Markdown(str):
    """Text that is Markdown already: `escape` leaves it alone."""

    __slots__ = ()


def escape(text: object) -> Markdown:
    """Return text that Markdown shows as it is, within a line: white space is one space."""
    if isinstance(text, Markdown):
        return text
    return Markdown(_SIGNS.sub(r"\\\g<0>", " ".join(str(text).split())))


def cautions(sentences: Iterable[str]) -> list[Markdown]:
    """Return what a reader must know before believing a verdict, a paragraph each."""
    return [Markdown(f"**Caution.** {escape(sentence)}") for sentence in sentences]


def table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> Markdown:
    """Return a table, its first column to the left and the others to the right.

    Args:
        head: a title a column, escaped unless it is `Markdown`.
        rows: as many cells each, likewise.
    """
    lines = [head, [Markdown("---"), *[Markdown("---:")] * (len(head) - 1)], *rows]
    return Markdown("\n".join(f"| {' | '.join(map(escape, cells))} |" for cells in lines))
