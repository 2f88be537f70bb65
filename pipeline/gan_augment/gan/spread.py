"""How far samples of features lie from the mean of their class: chosen on validation.

A Gaussian with a shrunk covariance spreads too much, a GAN perhaps too little, and where all
classes have few real samples, closer ones help more. The generator that is kept is therefore tried
with its samples moved away from their class's mean, or towards it, by each of a few factors, and
the codec keeps the one with which they add most to real samples.
"""

from torch import nn

from gan_augment.gan.history import Row
from gan_augment.gan.networks.codec import VectorCodec
from gan_augment.gan.start import lift_of
from gan_augment.metrics.lift import Lift

FACTORS = (1.0, 0.6, 0.7, 0.85, 1.15, 1.3)


def calibrate(generator: nn.Module, latent_dim: int, lift: Lift, seed: int) -> list[Row]:
    """Give a generator of features the spread with the highest lift; of several the first.

    Args:
        generator: whose codec is set.
        latent_dim: length of its latents.
        lift: measures it on validation samples.
        seed: of the draws.

    Returns:
        A row a factor: `spread` and `lift`; none for a generator of images, which has no such
        factor.
    """
    codec = generator.codec
    if not isinstance(codec, VectorCodec):
        return []
    rows: list[Row] = []
    for factor in FACTORS:
        codec.spread.fill_(factor)
        rows.append({"spread": factor, "lift": lift_of(generator, latent_dim, lift, seed)})
    codec.spread.fill_(max(rows, key=lambda row: float(row["lift"]))["spread"])
    return rows
