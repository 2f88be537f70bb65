"""A look at images before anything is settled: how many, of what classes, how large, in colour?"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image

from gan_augment.errors import UserError
from gan_augment.ingest.decode import upright_size
from gan_augment.ingest.sources import find
from gan_augment.ingest.sources.raw import RawImage
from gan_augment.params import IngestParams
from gan_augment.project.series import PATTERNS, folders, groups, series
from gan_augment.table import SPLITS

SAMPLE = 500
"""Images whose size is looked at, evenly spread over all;"""
DECODED = 50
"""and of these, whose pixels are."""

NAMED = 5
"""Classes that a doubt names at most."""
GREY = ("1", "L", "LA", "La", "I;16", "I;16L", "I;16B", "I", "F")
SMALL, TINT = 64, 12
"""Side to which a picture is shrunk to look for colour; difference of channels that is colour."""


@dataclass(frozen=True)
class Survey:
    """What a source holds.

    Attributes:
        total: number of images.
        counts: images by split (None where the source gives none) and class.
        sizes: height and width in pixels of the sample.
        colour: share of the pictures decoded that have colour, stored colours that are all grey
            apart.
        stored_in_colour: whether any of these is stored in colour.
        grouped: whether the source says which images belong together.
        series: pattern of names that look like series, of which there are enough to split, or None.
        folders: whether folders below the classes look like series.
        doubts: sentences on what its owner may not want so, such as classes that look alike.
    """

    total: int
    counts: Counter[tuple[str | None, str]]
    sizes: list[tuple[int, int]]
    colour: float
    stored_in_colour: bool
    grouped: bool
    series: str | None
    folders: bool
    doubts: tuple[str, ...] = ()

    @property
    def classes(self) -> Counter[str]:
        """Images by class."""
        found: Counter[str] = Counter()
        for (_, label), number in self.counts.items():
            found[label] += number
        return found

    @property
    def splits(self) -> Counter[str]:
        """Images by the split that the source gives, where it gives one."""
        found: Counter[str] = Counter()
        for (split, _), number in self.counts.items():
            if split is not None:
                found[split] += number
        return found


class Look(NamedTuple):
    """What one picture looks like; `colour` None if it was not to be decoded."""

    size: tuple[int, int]
    stored_in_colour: bool
    colour: bool | None


def survey(params: IngestParams) -> Survey:
    """Look at what the source of the params holds; a picture that does not open is passed over.

    Raises:
        UserError: the source cannot be read, or no image in it has a label.
    """
    found = find(params)
    step = max(1, -(-found.total // SAMPLE))
    counts: Counter[tuple[str | None, str]] = Counter()
    names: list[tuple[str, str]] = []
    looks: list[Look] = []
    grouped = False
    for number, image in enumerate(found.images):
        if image.label is None:
            continue
        counts[image.split, image.label] += 1
        names.append((image.name, image.label))
        grouped = grouped or image.group is not None
        if number % step == 0:
            looks += _look(image, decode=number // step % (SAMPLE // DECODED) == 0)
    if not counts:
        raise UserError(
            f"{params.path} lists {found.total} images, none with a label: fill the column of "
            "labels, or name another in ingest.columns.label"
        )
    pattern, doubts = (None, ()) if grouped else _series(names)
    decoded = [look for look in looks if look.colour is not None]
    return Survey(
        found.total,
        counts,
        [look.size for look in looks],
        float(np.mean([look.colour for look in decoded])) if decoded else 0.0,
        any(look.stored_in_colour for look in decoded),
        grouped,
        pattern,
        folders(names),
        (*found.doubts, *doubts),
    )


def _series(names: Sequence[tuple[str, str]]) -> tuple[str | None, tuple[str, ...]]:
    """Return the pattern of names that look like series, or a doubt why they are not kept together.

    Ingestion refuses groups that leave fewer than two classes to compare in every split.
    """
    pattern = series(names)
    if pattern is None:
        return None, ()
    numbers = groups(names, pattern)
    few = sorted(label for label, number in numbers.items() if number < len(SPLITS))
    if len(numbers) - len(few) >= 2:
        return pattern, ()
    listed = ", ".join(few[:NAMED]) + (", …" if len(few) > NAMED else "")
    return None, (
        f"names look like series ({PATTERNS[pattern]}), which are not kept together, since each "
        f"class needs three, one a split, and {listed} would have fewer: if images show the same "
        "thing, add some of others, and say in ingest.group what tells things apart",
    )


def _look(image: RawImage, *, decode: bool) -> list[Look]:
    """Return how a picture looks, or nothing if it does not open."""
    try:
        with image.open() as picture:
            width, height = upright_size(picture)
            stored_in_colour = picture.mode not in GREY
            colour = None
            if decode:  # which may load it at another size
                colour = stored_in_colour and _has_colour(picture)
            return [Look((height, width), stored_in_colour, colour)]
    except UserError:
        raise
    except Exception:  # Pillow's decoders raise nearly anything on malformed files
        return []


def _has_colour(picture: Image.Image) -> bool:
    picture.draft("RGB", (SMALL, SMALL))
    pixels = np.asarray(picture.convert("RGB").resize((SMALL, SMALL)), np.int16)
    return bool(np.ptp(pixels, axis=2).max() > TINT)
