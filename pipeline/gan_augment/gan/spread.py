"""How far samples of features lie from the mean of their class: chosen on validation.

GANs spread too little, a Gaussian with shrunk covariance perhaps too much. The generator that is
kept is therefore scored with its samples moved away from their class's mean, or towards it, by each
of a few factors. Of those whose CAS is level with the highest (within one standard error, as in
`selection`), the codec keeps the one with which a class varies most like its real images.
"""

from collections.abc import Sequence
from pathlib import Path

from torch import nn

from gan_augment.gan.history import Row
from gan_augment.gan.networks.codec import VectorCodec
from gan_augment.gan.selection import least_level
from gan_augment.gan.validation import Validator

FACTORS = (1.0, 0.7, 0.8, 0.9, 1.1, 1.2, 1.35, 1.5)


def calibrate(generator: nn.Module, discriminator: nn.Module, validator: Validator) -> list[Row]:
    """Give a generator of features the spread that does best on validation.

    Args:
        generator: whose codec is set.
        discriminator: its own.
        validator: scores samples against validation images.

    Returns:
        A row a factor: `spread`, and the scores with it; none for a generator of images, which has
        no such factor.
    """
    codec = generator.codec
    if not isinstance(codec, VectorCodec):
        return []
    rows: list[Row] = []
    for factor in FACTORS:
        codec.spread.fill_(factor)
        rows.append({"spread": factor, **validator.score(generator, discriminator, Path())})
    codec.spread.fill_(best(rows)["spread"])
    return rows


def best(rows: Sequence[Row]) -> Row:
    """Return the row whose spread is kept; the first of several, and where nothing is known."""
    known = [row for row in rows if row["cas"] is not None]
    least = least_level(known) if known else 0.0
    level = [row for row in rows if row["diversity"] is not None and (row["cas"] or 0.0) >= least]
    return min(level or rows[:1], key=lambda row: abs((row["diversity"] or 1.0) - 1))
