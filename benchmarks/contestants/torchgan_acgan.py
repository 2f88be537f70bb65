"""The conditional DCGAN ("ACGAN", Odena et al. 2017) of torchgan, in torchgan's own trainer.

Models and losses are combined as in the library's own test of the ACGAN; channels and optimisers
are those of the example that documents the trainer. More channels (64, the models' default) or a
larger batch (128) learn less within a minute on a processor. Two things have to give way:

- its models want sides that are powers of two: images get a margin of two black pixels, which is
  cut off again;
- at the end of an epoch it draws a grid of samples with an argument that torchvision removed in
  0.15 (torchgan's issue 154): that is switched off.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch.optim import Adam
from torch.utils.data import DataLoader, TensorDataset
from torchgan.losses import (
    AuxiliaryClassifierDiscriminatorLoss,
    AuxiliaryClassifierGeneratorLoss,
    MinimaxDiscriminatorLoss,
    MinimaxGeneratorLoss,
)
from torchgan.models import ACGANDiscriminator, ACGANGenerator
from torchgan.trainer import Trainer

from benchmarks.contestants.protocol import Race, Task, to_uint8

SIDE, PADDING = 32, 2
STEP_CHANNELS = 16
BATCH = 64
LEARNING_RATE = 2e-4
SAMPLE_BATCH = 100
ENDLESS = 10**9


class TimeIsUpError(Exception):
    """The last mark has passed."""


class RacingTrainer(Trainer):
    """The library's trainer, which looks at the clock before each batch."""

    race: Race | None = None
    seen = 0

    def train_iter_custom(self) -> None:
        """Count the batch before this one, and stop when time is up."""
        if self.race and not self.race.lap(self.seen):
            raise TimeIsUpError
        self.seen = len(self.real_inputs)


def main() -> None:
    task = Task.from_command_line()
    adam = {"name": Adam, "args": {"lr": LEARNING_RATE, "betas": (0.5, 0.999)}}
    sizes = {"num_classes": task.classes, "step_channels": STEP_CHANNELS}
    models = {
        "generator": {
            "name": ACGANGenerator,
            "args": {"out_size": SIDE, "out_channels": 1, **sizes},
            "optimizer": adam,
        },
        "discriminator": {
            "name": ACGANDiscriminator,
            "args": {"in_size": SIDE, "in_channels": 1, **sizes},
            "optimizer": adam,
        },
    }
    losses = [
        MinimaxGeneratorLoss(),
        MinimaxDiscriminatorLoss(),
        AuxiliaryClassifierGeneratorLoss(),
        AuxiliaryClassifierDiscriminatorLoss(),
    ]
    trainer = RacingTrainer(
        models,
        losses,
        device=task.device,
        epochs=ENDLESS,
        sample_size=1,
        checkpoints=str(task.folder / "checkpoints" / "gan"),
        recon=str(task.folder / "images"),
    )
    trainer.logger.logger_end_epoch.clear()
    dataset = TensorDataset(task.scaled(PADDING), torch.from_numpy(task.labels))

    @torch.no_grad()
    def generate(labels: NDArray[np.int64]) -> NDArray[np.uint8]:
        generator = trainer.generator.eval()
        made = [
            generator(torch.randn(len(y), generator.encoding_dims, device=task.device), y)
            for y in torch.from_numpy(labels).to(task.device).split(SAMPLE_BATCH)
        ]
        generator.train()
        return np.concatenate([to_uint8(images, PADDING) for images in made])

    trainer.race = race = Race(task, generate)
    loader = DataLoader(dataset, batch_size=BATCH, shuffle=True)
    try:
        trainer(loader)
    except TimeIsUpError:
        trainer.race = None

    # The batch at hand may be the rest of an epoch.
    trainer.real_inputs, trainer.labels = (t.to(task.device) for t in next(iter(loader)))
    race.finish(
        settings={
            "models": f"ACGAN, step_channels {STEP_CHANNELS}, images padded to {SIDE}×{SIDE}",
            "losses": "minimax (non-saturating) and auxiliary classifier",
            "batch size": BATCH,
            "learning rate": f"{LEARNING_RATE:g}",
        },
        packages=("torchgan",),
        precision="float32",
        step=trainer.train_iter,
        images=BATCH,
    )


if __name__ == "__main__":
    main()
