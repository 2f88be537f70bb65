"""On a GPU: the same bytes twice, what a processor makes, and no step that waits for one.

`pytest -m gpu`, on a machine with one; elsewhere they are skipped.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from gan_augment import table
from gan_augment.gan import environment, model, stage
from gan_augment.gan.batches import Batches
from gan_augment.gan.recipe import recipe
from gan_augment.gan.sampling import sample
from gan_augment.gan.stage import shape_of
from gan_augment.gan.trainer import Trainer
from gan_augment.params import TrainParams

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"),
]
QUICK = TrainParams(steps=20, batch_size=32, eval_interval=10, threads=1)


@pytest.fixture(params=["mlp", "dcgan", "resnet"])
def params(request: pytest.FixtureRequest) -> TrainParams:
    return QUICK.model_copy(update={"network": request.param})


def train(folder: Path, real: Path, params: TrainParams) -> Path:
    stage.run(params, {"real": real}, {n: folder / n for n in ("model", "history", "scratch")})
    return folder / "model"


def test_two_trainings_give_the_same_bytes(
    tmp_path: Path, digits: Path, params: TrainParams
) -> None:
    first, second = (train(tmp_path / name, digits, params) for name in ("first", "second"))
    for file in ("config.json", "generator.safetensors", "discriminator.safetensors"):
        assert (first / file).read_bytes() == (second / file).read_bytes()


def test_it_draws_what_a_processor_draws(tmp_path: Path, digits: Path, params: TrainParams) -> None:
    trained = model.load(train(tmp_path, digits, params))
    there, here = (
        sample(trained.generator.to(device), params.latent_dim, 3, range(20), 0).astype(int)
        for device in ("cuda", "cpu")
    )
    assert np.abs(there - here).max() <= 2  # grey levels


def test_no_step_waits_for_the_gpu(digits: Path, params: TrainParams) -> None:
    images = table.read(digits, "train")
    settings = recipe(params, images.pixels.shape[2:])
    with environment.deterministic(1):
        fabric = environment.fabric(settings)
        trainer = Trainer(shape_of(images, settings), settings, fabric)
        batches = Batches(images, settings.batch_size, settings.latent_dim, 0, fabric.device)
        drawn = [batches[number] for number in range(6)]
        trainer.step(0, [drawn[0]])
        torch.cuda.set_sync_debug_mode("error")
        try:
            for step in range(1, 6):
                trainer.step(step, [drawn[step]])
        finally:
            torch.cuda.set_sync_debug_mode("default")
