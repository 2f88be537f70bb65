"""Two versions side by side: counts, classes, verdict, lift and fidelity, from their records."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from gan_augment.versions.clone import open_clone
from gan_augment.versions.listing import Version, read
from gan_augment.versions.tags import wanted

Record = Mapping[str, Any]
MISSING = "not on record"
"""What is said where a version was published without a number."""
LIFTS = {
    "lift over real images, points": "real",
    "lift over the best without a GAN, points": "plain",
}


class Row(NamedTuple):
    """One thing compared: what it is, in the one version and in the other, and the change."""

    what: str
    before: str
    after: str
    change: str


def compare(
    url: str, before: str, after: str, artifact: str = "augmented"
) -> tuple[Version, Version]:
    """Return two published versions with their records.

    Args:
        url: a git URL, or the folder of a git repository.
        before: a tag.
        after: another.
        artifact: its name in dvc.yaml.

    Raises:
        UserError: no such version, or the repository is out of reach.
    """
    clone = open_clone(url)
    first, second = (read(clone, clone.find(wanted(tag, artifact))) for tag in (before, after))
    return first, second


def rows(before: Record, after: Record) -> list[Row]:
    """Return what two records say, side by side; a number that one lacks is said to be missing."""
    return [*_outcome(before, after), *_counts(before, after), *_fidelity(before, after)]


def _outcome(before: Record, after: Record) -> Iterator[Row]:
    shown = (
        ("verdict", _verdict),
        ("recipe", _recipe),
        ("ships synthetic images by", _ships),
    )
    for what, show in shown:
        was, now = (show(each) if "verdict" in each else MISSING for each in (before, after))
        yield Row(what, was, now, "" if was == now else "changed")
    for what, other in LIFTS.items():
        yield _numbers(what, _lift(before, other), _lift(after, other), 2)


def _verdict(record: Record) -> str:
    return f"{record['verdict']}, overridden" if record.get("override") else str(record["verdict"])


def _recipe(record: Record) -> str:
    return record.get("recipe") or MISSING


def _ships(record: Record) -> str:
    return record.get("synthetic") or "none"


def _lift(record: Record, other: str) -> float | None:
    gan, score = (_at(record, ("metrics", name)) for name in ("gan", other))
    return None if gan is None or score is None else gan - score


def _counts(before: Record, after: Record) -> Iterator[Row]:
    were, are = counts(before), counts(after)
    for split, origin in dict.fromkeys(key[:2] for key in [*were, *are]):
        yield _numbers(
            f"{split}, {origin}", total(were, split, origin), total(are, split, origin), 0
        )
    if not (were and are):
        return
    gone, new = (
        [name for name in one["classes"] if name not in other["classes"]]
        for one, other in ((before, after), (after, before))
    )
    changes = {"without": gone, "with": new}
    told = [f"{word} {', '.join(names)}" for word, names in changes.items() if names]
    yield Row("classes", str(len(before["classes"])), str(len(after["classes"])), "; ".join(told))
    for key in dict.fromkeys([*were, *are]):
        was, now = were.get(key, 0), are.get(key, 0)
        if was != now:
            yield _numbers("  " + ", ".join(key), was, now, 0)


def counts(record: Record) -> dict[tuple[str, str, str], int]:
    """Return (split, origin, class) → images; nothing if they are not on record."""
    return {
        (split, origin, name): number
        for split, of_split in record.get("counts", {}).items()
        for origin, numbers in of_split.items()
        for name, number in zip(record["classes"], numbers, strict=True)
    }


def total(found: Mapping[tuple[str, str, str], int], split: str, origin: str) -> int | None:
    """Return the images of a split and origin over all classes; None if nothing is on record."""
    if not found:
        return None
    return sum(number for key, number in found.items() if key[:2] == (split, origin))


def _fidelity(before: Record, after: Record) -> Iterator[Row]:
    places = {
        ("fidelity", space, metric, "value"): f"{metric.replace('_', ' ')} ({space})"
        for record in (before, after)
        for space, metrics in record.get("fidelity", {}).items()
        if isinstance(metrics, Mapping)
        for metric in metrics
    }
    for place, what in places.items():
        yield _numbers(what, _at(before, place), _at(after, place), 4)
    if not places:
        yield Row("fidelity of the synthetic images", MISSING, MISSING, "")


def _numbers(what: str, was: float | None, now: float | None, digits: int) -> Row:
    shown = (MISSING if value is None else f"{value:,.{digits}f}" for value in (was, now))
    change = "" if was is None or now is None else f"{now - was:+,.{digits}f}"
    return Row(what, next(shown), next(shown), change)


def _at(record: Any, place: tuple[str, ...]) -> float | None:
    """Return the number at a place in nested JSON; None if there is none."""
    for key in place:
        record = record.get(key) if isinstance(record, Mapping) else None
    return record if isinstance(record, int | float) else None
