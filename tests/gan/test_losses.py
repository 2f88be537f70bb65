from math import exp, log, log1p

import pytest
import torch

from gan_augment.gan.losses import LOSSES

REAL, FAKE = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 2.0])


def sigmoid(t: float) -> float:
    return 1 / (1 + exp(-t))


BCE = -(log(sigmoid(1)) + log(sigmoid(0)) + log(1 - sigmoid(0)) + log(1 - sigmoid(2))) / 2


@pytest.mark.parametrize(
    ("name", "discriminator", "generator"),
    [
        ("minimax", BCE, (log(1 - sigmoid(0)) + log(1 - sigmoid(2))) / 2),
        ("non-saturating", BCE, -(log(sigmoid(0)) + log(sigmoid(2))) / 2),
        ("wasserstein", 1.0 - 0.5, -1.0),
        ("hinge", (0 + 1) / 2 + (1 + 3) / 2, -1.0),
        ("least-squares", ((0 + 1) / 2 + (0 + 4) / 2) / 2, (1 + 1) / 2 / 2),
        (
            "relativistic",
            (log1p(exp(-1)) + log1p(exp(2))) / 2,
            (log1p(exp(1)) + log1p(exp(-2))) / 2,
        ),
    ],
)
def test_by_hand(name: str, discriminator: float, generator: float) -> None:
    loss = LOSSES[name]
    assert loss.discriminator(REAL, FAKE).item() == pytest.approx(discriminator)
    assert loss.generator(REAL, FAKE).item() == pytest.approx(generator)


def test_every_loss_is_checked_by_hand() -> None:
    (cases,) = test_by_hand.pytestmark
    assert {case[0] for case in cases.args[1]} == set(LOSSES)


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_pull_the_right_way(name: str) -> None:
    real, fake = (torch.full((3,), 0.3, requires_grad=True) for _ in range(2))
    LOSSES[name].discriminator(real, fake).backward()
    assert (real.grad < 0).all()
    assert (fake.grad > 0).all()
    fake.grad = None
    LOSSES[name].generator(real, fake).backward()
    assert (fake.grad < 0).all()


@pytest.mark.parametrize("name", LOSSES)
def test_only_paired_losses_look_at_real_logits_in_the_generators_turn(name: str) -> None:
    loss = LOSSES[name]
    heeds = not torch.equal(loss.generator(REAL, FAKE), loss.generator(REAL + 1, FAKE))
    assert heeds == loss.paired


@pytest.mark.parametrize("name", LOSSES)
def test_losses_without_a_zero_do_not_change_when_all_logits_shift(name: str) -> None:
    loss = LOSSES[name]
    shifted = loss.discriminator(REAL + 5, FAKE + 5)
    assert (loss.zero is None) == torch.allclose(shifted, loss.discriminator(REAL, FAKE))


def test_where_a_logit_says_neither_and_what_penalty_suits() -> None:
    """Zero halves the two targets of a loss; Wasserstein's critic must be Lipschitz everywhere."""
    told = {name: (loss.zero, loss.penalty) for name, loss in LOSSES.items()}
    assert told == {
        "minimax": (0, "r1+r2"),
        "non-saturating": (0, "r1+r2"),
        "wasserstein": (None, "wgan-gp"),
        "hinge": (0, "r1+r2"),
        "least-squares": (0.5, "r1+r2"),
        "relativistic": (None, "r1+r2"),
    }
