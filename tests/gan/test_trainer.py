import copy
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric

from gan_augment.gan.augment import NUMBERS
from gan_augment.gan.batches import Batch
from gan_augment.gan.losses import LOSSES
from gan_augment.gan.networks import NETWORKS, Shape
from gan_augment.gan.networks.conditioning import LabelEmbedding
from gan_augment.gan.penalties import PENALTIES
from gan_augment.gan.recipe import recipe
from gan_augment.gan.trainer import Trainer
from gan_augment.params import TrainParams

SETTINGS = {"network": "mlp", "steps": 100, "learning_rate": 0.01, "width": 16, "ema": 0.9}

OF_IMAGES = [name for name, network in NETWORKS.items() if network.images]


def trainer(size: int = 8, **settings: Any) -> Trainer:
    params = recipe(TrainParams(**{**SETTINGS, **settings}), (size, size))
    shape = Shape(
        1, (size, size), 3, 5, 4, params.width, params.minibatch_stddev, params.spectral_norm
    )
    return Trainer(shape, params, Fabric(accelerator="cpu", devices=1))


def batch(seed: int = 0, size: int = 8, n: int = 8) -> Batch:
    draw = torch.Generator().manual_seed(seed)
    return Batch(
        torch.rand(n, 1, size, size, generator=draw) * 2 - 1,
        torch.arange(n) % 3,
        torch.randn(2, n, 5, generator=draw),
        torch.rand(2, 2 * n, NUMBERS, generator=draw),
        torch.rand(n, generator=draw),
    )


def test_a_step_is_the_algorithm() -> None:
    """The discriminator's gradient equals one made by hand from the paper's formula."""
    made = trainer(loss="relativistic", gamma=2.0)
    network, y = copy.deepcopy(made.discriminator), batch().labels
    with torch.no_grad():
        fake = made.generator(batch().z[0], y)
    real = batch().real.requires_grad_()
    fake.requires_grad_()
    d_real, d_fake = network(real, y), network(fake, y)
    loss = torch.nn.functional.softplus(d_fake - d_real).mean()
    for logits, images in ((d_real, real), (d_fake, fake)):
        (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
        loss = loss + 4 * 2.0 / 2 * gradient.square().sum() / len(y)
    loss.backward()

    made.step(0, [batch()])
    for by_hand, trained in zip(network.parameters(), made.discriminator.parameters(), strict=True):
        torch.testing.assert_close(trained.grad, by_hand.grad, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("network", OF_IMAGES)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_trains_every_network(network: str, loss: str) -> None:
    moved(trainer(network=network, loss=loss))


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("network", OF_IMAGES)
def test_every_penalty_trains_every_network(network: str, penalty: str) -> None:
    moved(trainer(network=network, penalty=penalty, minibatch_stddev=True, spectral_norm=True))


def moved(made: Trainer) -> None:
    before = [copy.deepcopy(half.state_dict()) for half in (made.generator, made.discriminator)]
    for step in range(5):
        log = made.step(step, [batch(step)])
    assert torch.stack(log).isfinite().all()
    for then, half in zip(before, (made.generator, made.discriminator), strict=True):
        for name, weight in half.named_parameters():
            assert weight.isfinite().all()
            if name != "logit.psi.bias":  # relative losses cancel it
                assert not torch.equal(then[name], weight), name


def test_penalties_are_lazy() -> None:
    made = trainer(penalty_interval=4)
    penalties = [made.step(step, [batch(step)]).penalty.item() for step in range(9)]
    assert len(set(penalties[:4])) == len(set(penalties[4:8])) == 1
    assert len({penalties[0], penalties[4], penalties[8]}) == 3


def test_without_gamma_there_is_no_penalty() -> None:
    assert trainer(gamma=0.0).step(0, [batch()]).penalty == 0


def test_clipping_bounds_every_weight_of_the_discriminator_alone() -> None:
    made = trainer(loss="wasserstein", weight_clip=0.01)
    made.step(0, [batch()])
    assert max(w.abs().max() for w in made.discriminator.parameters()) <= 0.01
    assert max(w.abs().max() for w in made.generator.parameters()) > 0.01


def test_the_discriminator_may_move_more_often_than_the_generator() -> None:
    made = trainer(discriminator_steps=3)
    made.step(0, [batch(number) for number in range(3)])
    steps = {
        name: optimizer.state_dict()["state"][0]["step"].item()
        for name, optimizer in made.optimizers().items()
    }
    assert steps == {"optimizer_g": 1, "optimizer_d": 3}


def test_both_kinds_of_images_are_augmented_in_both_turns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[int] = []
    made = trainer(loss="relativistic", augment=("colour",), augment_probability=0.5)
    plain = made.augment.forward
    monkeypatch.setattr(made.augment, "forward", lambda x, u: (seen.append(len(x)), plain(x, u))[1])
    made.step(0, [batch()])
    assert seen == [16, 8, 8]


def test_adaptive_augmentation_is_driven_by_the_logits() -> None:
    made = trainer(augment=("colour",), loss="hinge", gamma=0.0)
    probabilities = [made.step(step, [batch(0)]).augmentation.item() for step in range(60)]
    assert probabilities[0] == 0
    assert max(probabilities) > 0.05


@pytest.mark.parametrize("turns", [1, 3])
def test_adaptive_augmentation_is_at_its_most_after_a_fifth_of_the_steps(
    turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often the discriminator moves in a step; it is sure of all training images."""
    made = trainer(augment=("colour",), loss="hinge", discriminator_steps=turns)
    adapt, sure = made.augment.adapt, torch.ones(8)
    monkeypatch.setattr(made.augment, "adapt", lambda _, *others: adapt(sure, *others))
    found = [made.step(step, turns * [batch(0)]).augmentation.item() for step in range(20)]
    assert found == pytest.approx([0.03 * (step + 1) for step in range(20)])


def test_the_average_follows_the_generator_with_a_warm_up() -> None:
    made = trainer()
    before = copy.deepcopy(made.ema.state_dict())
    made.step(0, [batch()])
    now = made.generator.state_dict()
    for name, averaged in made.ema.state_dict().items():
        torch.testing.assert_close(averaged, 0.1 * before[name] + 0.9 * now[name])
    assert not any(weight.requires_grad for weight in made.ema.parameters())


@pytest.mark.parametrize(("step", "rate"), [(0, 0.01), (50, 0.0055), (100, 0.001)])
def test_the_learning_rate_decays_linearly_to_a_tenth(step: int, rate: float) -> None:
    made = trainer(discriminator_rate=2.0)
    made.learning_rate_scale = 0.5
    made.step(step, [batch()])
    rates = {name: o.param_groups[0]["lr"] for name, o in made.optimizers().items()}
    assert rates == pytest.approx({"optimizer_g": rate / 2, "optimizer_d": rate})


@pytest.mark.parametrize(
    ("step", "settings", "strength"),
    [
        (0, {}, 1.0),
        (10, {"label_ramp": (0.2, 0.4)}, 0.0),
        (30, {"label_ramp": (0.2, 0.4)}, 0.5),
        (60, {"label_ramp": (0.2, 0.4)}, 1.0),
        (60, {"conditional": False}, 0.0),
    ],
)
def test_labels_ramp_in(step: int, settings: dict[str, Any], strength: float) -> None:
    made = trainer(**settings)
    made.step(step, [batch()])
    for network in (made.generator, made.discriminator, made.ema):
        (embedding,) = (m for m in network.modules() if isinstance(m, LabelEmbedding))
        assert embedding.strength == pytest.approx(strength)


def test_gamma_follows_its_schedule_and_the_rollbacks_scale() -> None:
    made = trainer(gamma=2.0, final_gamma=0.5)
    made.gamma_scale = 3.0
    assert made._schedule(0) == pytest.approx(6.0)
    assert made._schedule(100) == pytest.approx(3.0)
