"""lightweight-gan on a GPU, with the settings of its command line.

It is unconditional, so that its images teach no classifier (no CAS), and wants sides that are
powers of two: images get a margin of two black pixels, which is cut off again. Its generator's
moving average is not used: for the first 20,000 steps the library does not update it.
"""

import numpy as np
import torch
from lightweight_gan import Trainer
from numpy.typing import NDArray
from PIL import Image

from benchmarks.contestants.protocol import Race, Task

SIDE, PADDING = 32, 2
BATCH, ACCUMULATED = 10, 4
SAMPLE_BATCH = 100


def main() -> None:
    task = Task.from_command_line()
    pictures = task.folder / "pictures"
    pictures.mkdir()
    for number, (image,) in enumerate(task.images):
        Image.fromarray(np.pad(image, PADDING)).save(pictures / f"{number}.png")
    trainer = Trainer(
        name="race",
        base_dir=task.folder,
        image_size=SIDE,
        greyscale=True,
        batch_size=BATCH,
        gradient_accumulate_every=ACCUMULATED,
        attn_res_layers=[32],
        disc_output_size=1,
        aug_types=["cutout", "translation"],
        use_aim=False,
    )
    trainer.set_data_src(pictures)
    trainer.init_GAN()

    @torch.no_grad()
    def generate(labels: NDArray[np.int64]) -> NDArray[np.uint8]:
        gan = trainer.GAN.eval()
        z = torch.randn(len(labels), gan.latent_dim).cuda()
        images = torch.cat([gan.G(part) for part in z.split(SAMPLE_BATCH)]).clamp(0, 1)
        inner = slice(PADDING, -PADDING)
        return (images[..., inner, inner] * 255).round().to(torch.uint8).cpu().numpy()

    race, images = Race(task, generate), BATCH * ACCUMULATED
    while race.lap(images if trainer.steps else 0):
        trainer.train()

    race.finish(
        settings={
            "model": f"images padded to {SIDE}×{SIDE}, unconditional",
            "batch size": f"{BATCH}, accumulated {ACCUMULATED} times",
            "learning rate": f"{trainer.lr:g}",
        },
        packages=("lightweight-gan",),
        precision="float32",
        step=trainer.train,
        images=images,
        conditional=False,
    )


if __name__ == "__main__":
    main()
