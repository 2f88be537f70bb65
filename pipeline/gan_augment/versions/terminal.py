"""Versions as tables in the terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gan_augment.printable import readable
from gan_augment.versions.compare import MISSING, counts, rows, total
from gan_augment.versions.listing import Version

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = (("train", "real"), ("train", "synthetic"), ("validation", "real"), ("test", "real"))


def show(shown: "Table") -> None:
    """Print a table of what others have written: none of it is markup, a code or an emoji."""
    from rich.console import Console

    Console(markup=False, emoji=False).print(shown)


def listing(versions: Sequence[Version]) -> "Table":
    """Return a table of versions: date, verdict, what ships and the number of images."""
    from rich.table import Table

    shown = Table(title=versions[0].tag.artifact, box=None, title_justify="left")
    for name in ("version", "date", "verdict", "ships"):
        shown.add_column(name, no_wrap=name != "verdict")
    for split, origin in COLUMNS:
        shown.add_column(f"{split}\n{origin}", justify="right")
    for version in versions:
        found = counts(version.record)
        totals = [total(found, *column) for column in COLUMNS]
        shown.add_row(
            version.tag.number,
            f"{version.date:%Y-%m-%d}",
            readable(_verdict(version)),
            readable(version.record.get("synthetic") or "none") if version.record else "",
            *("–" if number is None else f"{number:,}" for number in totals),
        )
    if not all(counts(version.record) for version in versions):
        shown.caption = "–: published without counts on record"
    return shown


def comparison(before: Version, after: Version) -> "Table":
    """Return a table of two versions side by side."""
    from rich.table import Table

    shown = Table(title=after.tag.artifact, box=None, title_justify="left")
    shown.add_column("")
    for name in (before.tag.number, after.tag.number, "change"):
        shown.add_column(name, justify="right")
    for row in rows(before.record, after.record):
        shown.add_row(*map(readable, row))
    return shown


def _verdict(version: Version) -> str:
    if not version.record:
        return MISSING
    why = version.record.get("override")
    return f"{version.record['verdict']}" + (f", overridden: {why}" if why else "")
