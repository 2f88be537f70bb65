"""Class-conditional diffusion by denoising-diffusion-pytorch (classifier-free guidance).

The library's trainer knows no labels, so the loop is the one in the module's own example, with the
optimiser's betas, the gradient clipping and the moving average of that trainer. What a user with
small images, a processor and minutes would change is changed: a U-Net of three sizes (28, 14, 7)
and 32 channels, a learning rate of 1e-3 in place of 1e-4, and DDIM with 50 steps in place of 1,000.
Guidance is the weakest that its author recommends (3 to 8): variety counts here.
"""

import itertools

import numpy as np
import torch
from denoising_diffusion_pytorch.classifier_free_guidance import GaussianDiffusion, Unet
from ema_pytorch import EMA
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.contestants.protocol import Race, Task

DIM, DIM_MULTS = 32, (1, 2, 4)
BATCH = 32
LEARNING_RATE = 1e-3
STEPS, SAMPLING_STEPS = 1000, 50
GUIDANCE = 3.0
SAMPLE_BATCH = 100


def main() -> None:
    task = Task.from_command_line()
    unet = Unet(dim=DIM, num_classes=task.classes, dim_mults=DIM_MULTS, channels=1)
    diffusion = GaussianDiffusion(
        unet,
        image_size=task.images.shape[2],
        timesteps=STEPS,
        sampling_timesteps=SAMPLING_STEPS,
        ddim_sampling_eta=0.0,
    ).to(task.device)
    average = EMA(diffusion, beta=0.995, update_every=10)
    optimizer = torch.optim.Adam(diffusion.parameters(), LEARNING_RATE, (0.9, 0.99))
    images = (task.scaled() + 1) / 2
    dataset = TensorDataset(images, torch.from_numpy(task.labels))
    loader = DataLoader(dataset, BATCH, shuffle=True, drop_last=True)

    def step(x: Tensor, y: Tensor) -> None:
        loss = diffusion(x.to(task.device), classes=y.to(task.device))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(diffusion.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        average.update()

    @torch.no_grad()
    def generate(labels: NDArray[np.int64]) -> NDArray[np.uint8]:
        parts = torch.from_numpy(labels).to(task.device).split(SAMPLE_BATCH)
        made = [average.ema_model.sample(y, cond_scale=GUIDANCE) for y in parts]
        levels = (torch.cat(made) * 255).round().clamp(0, 255)
        return levels.to(torch.uint8).cpu().numpy()

    race = Race(task, generate)
    for x, y in itertools.chain.from_iterable(itertools.repeat(loader)):
        step(x, y)
        if not race.lap(len(y)):
            break

    race.finish(
        settings={
            "model": f"Unet, dim {DIM}, dim_mults {DIM_MULTS}",
            "batch size": BATCH,
            "learning rate": f"{LEARNING_RATE:g}",
            "sampling": f"DDIM, {SAMPLING_STEPS} of {STEPS} steps, guidance {GUIDANCE:g}",
        },
        packages=("denoising-diffusion-pytorch", "ema-pytorch"),
        precision="float32",
        step=lambda: step(x, y),
        images=len(y),
    )


if __name__ == "__main__":
    main()
