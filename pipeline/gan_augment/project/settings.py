"""Settings that suit images, each with its reason."""

from collections import Counter
from collections.abc import Collection, Iterator
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from gan_augment.balance import uneven
from gan_augment.embed.choice import NONE, PIXELS_UP_TO, chosen
from gan_augment.ingest.fitted import FAR, MUCH
from gan_augment.ingest.sizes import kept, one_for_all, shared, suitable
from gan_augment.params import EmbedParams, IngestParams
from gan_augment.project.survey import Survey
from gan_augment.table import SPLITS

ON_FEATURES = [
    *("real", "class-weights", "oversample", "smote", "gmm", "gaussian"),
    *("classic", "smote+classic", "gmm+classic", "gan", "gan+smote", "gan+gmm"),
    *("gan+classic", "gan+smote+classic", "gan+gmm+classic", "placebo", "synthetic-only"),
]
"""What is compared where a backbone looks at the images."""
LARGE_SET, A_CLASS = 20_000, 500
"""Images from which on not all are looked at, and how many of each class are then."""
TOO_FEW = 10
"""Training images of a class below which a GAN cannot learn it: `generate.min_real`."""
OF_COLOUR = 0.1
"""Share of pictures with colour from which on images are in colour."""


class Choice(NamedTuple):
    """A setting by its dotted name, its value, and why."""

    key: str
    value: Any
    reason: str


def choose(found: Survey, params: IngestParams, embed: EmbedParams) -> list[Choice]:
    """Return the settings that suit a source, in the order of params.yaml.

    Args:
        found: what the source holds.
        params: how it is read, and what of it is settled already.
        embed: what looks at the images.
    """
    embedded = _are_embedded(found, params, embed)
    return [
        *_size(found, embedded),
        *_colour(found),
        *_groups(found),
        *_splits(found),
        *_number(found),
        Choice("ingest.scarcity", {}, "the images are what they are; only a study caps classes"),
        *_plan(found, params),
        *_arms(embedded),
        *_classic(found),
    ]


def _size(found: Survey, embedded: bool) -> Iterator[Choice]:
    if not found.sizes:
        return
    heights, widths = zip(*found.sizes, strict=True)
    height, width = median(heights), median(widths)
    sizes = Counter(found.sizes)
    own, sides = shared(sizes), one_for_all(sizes)
    alike = len(sizes) == 1
    said = f"{'all' if alike else 'about'} {width:g}×{height:g} pixels"
    if own and max(own) <= PIXELS_UP_TO:
        stay = "stay so" if alike else "are all stored so"
        yield Choice("ingest.image_size", None, f"the images are {said}, and {stay}")
    elif embedded:
        reason = f"the images are {said}; a pretrained network looks at them, whatever their size"
        yield Choice("ingest.image_size", None, reason)
    else:
        sides = suitable(found.sizes)
        value: Any = sides[0] if sides[0] == sides[1] else list(sides)
        reason = f"the images are {said}; any network makes multiples of 8 up to 128 pixels a side"
        yield Choice("ingest.image_size", value, reason)
    far = (1 / kept(np.array(found.sizes), sides) > FAR).mean()
    if far >= MUCH:
        reason = f"{far:.0%} of the images would be stretched more than {FAR:g} times"
        yield Choice("ingest.fit", "pad", reason)


def _colour(found: Survey) -> Iterator[Choice]:
    if found.stored_in_colour and found.colour == 0:
        yield Choice("ingest.channels", 1, "stored in colour, but all that was looked at is grey")


def _groups(found: Survey) -> Iterator[Choice]:
    if found.grouped:
        yield Choice("ingest.group", "given", "the source says which images belong together")
    elif found.series:
        reason = "names look like series, of which no two images may be in two splits: see to it"
        yield Choice("ingest.group", {"pattern": found.series}, reason)
    elif found.folders:
        reason = "folders below the classes look like series, which must not straddle splits"
        yield Choice("ingest.group", "folder", reason)


def _splits(found: Survey) -> Iterator[Choice]:
    given = found.splits
    listed = ", ".join(f"{name} {number:,}" for name, number in given.most_common())
    if len(given) == 1:
        yield Choice("ingest.split.given", "ignore", f"the source has one split only: {listed}")
    elif given:
        missing = "" if len(given) == 3 else "; the third is taken out of train"
        yield Choice("ingest.split.given", "keep", f"the source gives {listed}{missing}")


def _number(found: Survey) -> Iterator[Choice]:
    if found.total > LARGE_SET:
        reason = (
            f"of {found.total:,} images, so many of a class are enough to see whether synthetic "
            "ones help, and take hours, not days; null for all"
        )
        yield Choice("ingest.limit", A_CLASS, reason)


def _plan(found: Survey, params: IngestParams) -> Iterator[Choice]:
    training = training_images(found, params)
    scarce = uneven(np.array(list(training.values())))
    asked = "scarce ones are filled up" if scarce else "all are brought to twice the largest"
    reason = f"classes have about {between(training.values())} training images: {asked}"
    yield Choice("generate.plan", "auto", reason)
    few = [name for name, number in training.items() if number < TOO_FEW]
    if few:
        reason = f"too few training images for a GAN: {', '.join(few)}"
        yield Choice("generate.fallback", "smote", reason)


def between(numbers: Collection[int]) -> str:
    """Return the smallest and the largest of some numbers in words, or the one that all are."""
    least, most = min(numbers), max(numbers)
    return f"{most:,}" if least == most else f"{least:,} to {most:,}"


def training_images(found: Survey, params: IngestParams) -> dict[str, int]:
    """Return about how many training images of each class there will be."""
    given, shares = found.splits, params.split
    limit = params.limit or (A_CLASS if found.total > LARGE_SET else found.total)
    if len(given) < 2 or shares.given == "ignore":
        return {name: round(shares.train * min(n, limit)) for name, n in found.classes.items()}
    lacking = sum(getattr(shares, split) for split in SPLITS if split not in given)
    share = shares.train / (shares.train + lacking)
    return {
        name: round(share * found.counts["train", name] * min(1, limit / number))
        for name, number in found.classes.items()
    }


def _arms(embedded: bool) -> Iterator[Choice]:
    if embedded:
        reason = "methods for what a pretrained network sees in the images: see embed.backbone"
        yield Choice("evaluate.arms", ON_FEATURES, reason)


def _are_embedded(found: Survey, params: IngestParams, embed: EmbedParams) -> bool:
    """Return whether a backbone will look at the images, at the size that ingestion stores."""
    if not found.sizes:
        return False
    stored = params.image_size or one_for_all(Counter(found.sizes))
    return chosen(embed, max(stored)) != NONE


def _classic(found: Survey) -> Iterator[Choice]:
    if found.colour >= OF_COLOUR:
        reason = (
            "left and right seldom matter in colour pictures; false for text and what is handed"
        )
        yield Choice("evaluate.classic.flip", True, reason)
    elif found.sizes:
        reason = "grey: digits, text and scans must not be mirrored; true if yours may be"
        yield Choice("evaluate.classic.flip", False, reason)
