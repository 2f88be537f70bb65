"""The engine without its pipeline around it: train on images, draw images."""

import time
from typing import NamedTuple

import numpy as np
from lightning_fabric import Fabric
from numpy.typing import NDArray

from gan_augment.gan import environment, warm_start
from gan_augment.gan.batches import Batches
from gan_augment.gan.recipe import recipe
from gan_augment.gan.sampling import sample
from gan_augment.gan.stage import shape_of
from gan_augment.gan.trainer import Trainer
from gan_augment.params import Recipe, TrainParams
from gan_augment.table import Images


class Trained(NamedTuple):
    """A trainer after its last step, its settings, and the processor seconds of training."""

    trainer: Trainer
    settings: Recipe
    seconds: float


def start(images: Images, settings: Recipe, fabric: Fabric) -> tuple[Trainer, Batches]:
    """Return a trainer at its start, and its batches."""
    batches = Batches(
        images,
        settings.batch_size,
        settings.latent_dim,
        settings.seed,
        fabric.device,
        settings.balance,
    )
    return Trainer(shape_of(images, settings), settings, fabric), batches


def train(
    images: Images, params: TrainParams, threads: int, before: Trainer | None = None
) -> Trained:
    """Train from scratch, or from what another training has left."""
    settings = recipe(params, images.pixels.shape[2:])
    with environment.deterministic(threads):
        trainer, batches = start(images, settings, environment.fabric(settings))
        if before:
            halves = {"generator": before.ema, "discriminator": before.discriminator}
            weights = {name: half.state_dict() for name, half in halves.items()}
            warm_start.start(trainer, weights)
        began = time.process_time()
        turns = settings.discriminator_steps
        for step in range(settings.steps):
            trainer.step(step, [batches[step * turns + turn] for turn in range(turns)])
        return Trained(trainer, settings, time.process_time() - began)


def draw(
    counts: NDArray[np.int64], *trained: Trained
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return so many images of each class, of which each generator makes a share, and labels."""
    images = [
        sample(
            one.trainer.ema,
            one.settings.latent_dim,
            label,
            range(n * k // len(trained), n * (k + 1) // len(trained)),
            one.settings.seed,
        )
        for label, n in enumerate(counts.tolist())
        for k, one in enumerate(trained)
    ]
    return np.concatenate(images), np.repeat(np.arange(len(counts)), counts)
