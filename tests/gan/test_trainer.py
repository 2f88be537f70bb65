import copy

import pytest
import torch
from lightning_fabric import Fabric

from pipeline.gan.batches import Batch
from pipeline.gan.networks import NETWORKS, Shape, recipe
from pipeline.gan.trainer import Trainer
from pipeline.params import Recipe, TrainParams

SHAPE = Shape(1, 8, 8, 3, 5, 4, 16)
PARAMS = recipe(
    TrainParams(steps=100, learning_rate=0.01, penalty_interval=4, ema=0.9), size=(8, 8)
)


def trainer(params: Recipe = PARAMS) -> Trainer:
    return Trainer(NETWORKS["mlp"], SHAPE, params, Fabric(accelerator="cpu", devices=1))


def batch(seed: int = 0) -> Batch:
    draw = torch.Generator().manual_seed(seed)
    return Batch(
        torch.rand(6, 1, 8, 8, generator=draw) * 2 - 1,
        torch.arange(6) % 3,
        torch.randn(2, 6, 5, generator=draw),
    )


def test_a_step_is_the_algorithm() -> None:
    """The discriminator's gradient equals one made by hand from the paper's formula."""
    made = trainer()
    network, y = copy.deepcopy(made.discriminator), batch().labels
    with torch.no_grad():
        fake = made.generator(batch().z[0], y).requires_grad_()
    real = batch().real.requires_grad_()
    fake.requires_grad_(True)
    d_real, d_fake = network(real, y), network(fake, y)
    loss = torch.nn.functional.softplus(d_fake - d_real).mean()
    for logits, images in ((d_real, real), (d_fake, fake)):
        (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
        loss = loss + 4 * PARAMS.gamma / 2 * gradient.square().sum() / 6
    loss.backward()

    made.step(0, batch())
    for by_hand, trained in zip(network.parameters(), made.discriminator.parameters(), strict=True):
        torch.testing.assert_close(trained.grad, by_hand.grad, atol=1e-6, rtol=1e-4)


def test_penalties_are_lazy() -> None:
    made = trainer()
    penalties = [made.step(step, batch(step)).penalty.item() for step in range(9)]
    assert len(set(penalties[:4])) == len(set(penalties[4:8])) == 1
    assert len({penalties[0], penalties[4], penalties[8]}) == 3


def test_without_gamma_there_is_no_penalty() -> None:
    made = trainer(PARAMS.model_copy(update={"gamma": 0.0}))
    assert made.step(0, batch()).penalty == 0


def test_the_average_follows_the_generator_with_a_warm_up() -> None:
    made = trainer()
    before = copy.deepcopy(made.ema.state_dict())
    made.step(0, batch())
    now = made.generator.state_dict()
    for name, averaged in made.ema.state_dict().items():
        torch.testing.assert_close(averaged, 0.1 * before[name] + 0.9 * now[name])
    assert not any(weight.requires_grad for weight in made.ema.parameters())


@pytest.mark.parametrize(("step", "rate"), [(0, 0.01), (50, 0.0055), (100, 0.001)])
def test_the_learning_rate_decays_linearly_to_a_tenth(step: int, rate: float) -> None:
    made = trainer()
    made.step(step, batch())
    for optimizer in (made._optimizer_d, made._optimizer_g):
        assert optimizer.param_groups[0]["lr"] == pytest.approx(rate)
