"""Closeness: did the generator learn its training images by heart? The verdict, and the evidence.

Judged on the generator's images before any gate: gates that remove copies must not hide that it
copies.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gan_augment.metrics.features import Extractor
from gan_augment.metrics.fidelity import TooFewRowsError
from gan_augment.metrics.memorisation import Copying, Matches, Ratio, Sample, copying
from gan_augment.sheet import contact_sheet
from gan_augment.table import Images

PAIRS = 20
COLUMNS = 10


class Pairs(NamedTuple):
    """Synthetic samples and the training samples they match best, closest first: N rows each."""

    synthetic: NDArray[Any]
    train: NDArray[Any]


def judge(
    candidates: Sample | None, validation: Images, train: Images, extractor: Extractor
) -> tuple[dict[str, Any], Pairs]:
    """Return the verdict as JSON can hold it, and the closest pairs.

    `passed` is true or false, or null where that cannot be said: no generator was used, or there
    are too few images; `reasons` says why it is not true. `images` is how many of the generator
    there are.

    Args:
        candidates: images of the generator; None if none was used.
        validation: real images that it has not seen.
        train: those it learnt from.
        extractor: of the features that distances are measured by.
    """
    if candidates is None or not len(candidates.labels):
        return nothing("no generator was used", train)
    known = np.isin(validation.labels, candidates.labels)
    holdout = _sample(validation.pixels[known], validation.labels[known], extractor)
    try:
        found = copying(candidates, holdout, _sample(train.pixels, train.labels, extractor))
    except TooFewRowsError as error:
        return nothing(str(error), train, len(candidates.labels))
    verdict = {
        "passed": not found.reasons,
        "reasons": list(found.reasons),
        "images": len(candidates.labels),
        "features": extractor.name,
        **_evidence(found, train.classes),
    }
    return verdict, _closest(candidates, found.near.synthetic, train)


def nothing(why: str, train: Images, images: int = 0) -> tuple[dict[str, Any], Pairs]:
    """Return, as `judge` does, that nothing can be said of so many images."""
    verdict = {"passed": None, "reasons": [why], "images": images}
    return verdict, Pairs(train.pixels[:0], train.pixels[:0])


def picture(pairs: Pairs) -> Image.Image:
    """Draw the pairs in bands: synthetic images above, under each the training image it matches.

    Features have no picture: the sheet is empty.
    """
    if not len(pairs.synthetic) or pairs.synthetic.ndim == 2:
        return contact_sheet([np.zeros((0, 1, 1, 1), np.uint8)], 1)
    starts = range(0, len(pairs.synthetic), COLUMNS)
    bands = [part[start : start + COLUMNS] for start in starts for part in pairs]
    names = ["synthetic", "training"] * len(starts)
    return contact_sheet(bands, min(COLUMNS, len(pairs.synthetic)), names)


def _sample(pixels: NDArray[Any], labels: NDArray[np.int64], extractor: Extractor) -> Sample:
    return Sample(pixels, labels, extractor(pixels).values)


def _evidence(found: Copying, classes: tuple[str, ...]) -> dict[str, Any]:
    return {
        "exact_copies": found.exact,
        "holdout_exact_copies": found.holdout_exact,
        "near_copies": found.near.share,
        "holdout_near_copies": found.near.holdout_share,
        "match_ratio": _finite(found.match_ratio),
        "distance_ratio": _finite(found.ratio),
        "data_copying": found.data_copying,
        "authenticity": found.authenticity,
        "holdout_authenticity": found.holdout_authenticity,
        "classes": {
            classes[label]: {"distance_ratio": _finite(ratio)}
            for label, ratio in found.class_ratios.items()
        },
    }


def _finite(ratio: Ratio) -> dict[str, float | None]:
    """Return a ratio as JSON can hold it: a median of 0 makes it infinite."""
    return {name: value if np.isfinite(value) else None for name, value in ratio._asdict().items()}


def _closest(candidates: Sample, matches: Matches, train: Images) -> Pairs:
    chosen = np.argsort(matches.relative, kind="stable")[:PAIRS]
    if len(chosen) > COLUMNS:
        chosen = chosen[: len(chosen) // COLUMNS * COLUMNS]
    return Pairs(candidates.pixels[chosen], train.pixels[matches.indices[chosen]])
