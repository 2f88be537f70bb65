"""The engine's model and batch in the loop that a user of PyTorch would write.

float32, images in rows of planes (NCHW), a data loader, Adam, and the penalties R1 and R2 in every
step; the losses are written out. Only the networks come from the engine, their layers in the form
that is usual.
"""

import copy
import itertools

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import softplus
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.contestants.engine import default_recipe, training_images
from benchmarks.contestants.protocol import Race, Task, to_uint8
from gan_augment.gan.networks import build
from gan_augment.gan.networks.layers import PixelwiseLinear
from gan_augment.gan.stage import shape_of

SAMPLE_BATCH = 100


class Planes(nn.Module):
    """Lay feature maps out as N×C×H×W in memory, torch's default."""

    def forward(self, h: Tensor) -> Tensor:
        """Return the same N×C×H×W."""
        return h.contiguous()


def as_usual(network: nn.Module) -> nn.Module:
    """Undo what the engine's networks do for speed, without changing what they compute."""
    for name, layer in list(network.named_modules()):
        if isinstance(layer, PixelwiseLinear):
            convolution = nn.Conv2d(layer.in_features, layer.out_features, 1)
            with torch.no_grad():
                convolution.weight.copy_(layer.weight[:, :, None, None])
                convolution.bias.copy_(layer.bias)
            network.set_submodule(name, convolution)
    network.layers.insert(0, Planes())
    return network


def penalty(logits: Tensor, images: Tensor) -> Tensor:
    """½ E‖∇D‖²."""
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean() / 2


def main() -> None:
    task = Task.from_command_line()
    settings = default_recipe(task)
    generator, discriminator = (
        as_usual(network).to(task.device)
        for network in build(settings.network, shape_of(training_images(task), settings))
    )
    average = copy.deepcopy(generator).eval()
    betas = settings.beta1, settings.beta2
    optimizer_g = torch.optim.Adam(generator.parameters(), settings.learning_rate, betas)
    optimizer_d = torch.optim.Adam(discriminator.parameters(), settings.learning_rate, betas)
    dataset = TensorDataset(task.scaled(), torch.from_numpy(task.labels))
    loader = DataLoader(dataset, settings.batch_size, shuffle=True, drop_last=True)

    def noise(n: int) -> Tensor:
        return torch.randn(n, settings.latent_dim, device=task.device)

    def step(x: Tensor, y: Tensor, steps: int) -> None:
        x, y = x.to(task.device).requires_grad_(), y.to(task.device)

        fake_images = generator(noise(len(y)), y).detach().requires_grad_()
        real, fake = discriminator(x, y), discriminator(fake_images, y)
        loss_d = softplus(-real).mean() + softplus(fake).mean()
        loss_d = loss_d + settings.gamma * (penalty(real, x) + penalty(fake, fake_images))
        optimizer_d.zero_grad()
        loss_d.backward()
        optimizer_d.step()

        loss_g = softplus(-discriminator(generator(noise(len(y)), y), y)).mean()
        optimizer_g.zero_grad()
        loss_g.backward()
        optimizer_g.step()

        with torch.no_grad():
            decay = min(settings.ema, (1 + steps) / (10 + steps))
            for mean, now in zip(average.parameters(), generator.parameters(), strict=True):
                mean.lerp_(now, 1 - decay)

    @torch.no_grad()
    def generate(labels: NDArray[np.int64]) -> NDArray[np.uint8]:
        parts = torch.from_numpy(labels).to(task.device).split(SAMPLE_BATCH)
        return np.concatenate([to_uint8(average(noise(len(y)), y)) for y in parts])

    race = Race(task, generate)
    for steps, (x, y) in enumerate(itertools.chain.from_iterable(itertools.repeat(loader))):
        step(x, y, steps)
        if not race.lap(len(y)):
            break

    race.finish(
        settings={
            "network": settings.network,
            "batch size": settings.batch_size,
            "learning rate": f"{settings.learning_rate:g}",
        },
        precision="float32",
        step=lambda: step(x.detach(), y, steps),
        images=len(y),
    )


if __name__ == "__main__":
    main()
