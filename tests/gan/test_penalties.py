import pytest
import torch
from torch import Tensor

from gan_augment.gan.penalties import PENALTIES, Penalty

NAMES = [name for name in PENALTIES if name != "none"]


def quadratic(images: Tensor) -> Tensor:
    """D(x) = ‖x‖²/2, whose gradient is x."""
    return images.square().sum(dim=(1, 2, 3)) / 2


def of(name: str, images: Tensor, critic=quadratic, epsilon: float = 0.25) -> Tensor:
    penalty = PENALTIES[name]
    assert isinstance(penalty, Penalty)
    images = images.detach().requires_grad_()
    return penalty.of(images, critic(images), critic, torch.full((len(images) // 2,), epsilon))


@pytest.mark.parametrize("name", NAMES)
def test_a_quadratic_discriminator_by_hand(name: str) -> None:
    images = torch.randn(8, 3, 2, 2)
    real, fake = images.chunk(2)
    squares = {"r1": real, "r2": fake, "r1+r2": images}
    if name == "wgan-gp":
        between = 0.25 * real + 0.75 * fake
        expected = (between.flatten(1).norm(dim=1) - 1).square().mean()
    else:
        expected = squares[name].square().sum() / 4 / 2
    torch.testing.assert_close(of(name, images).detach(), expected)


def test_a_linear_discriminator_has_one_gradient_everywhere() -> None:
    w = torch.randn(1, 2, 3, 3)
    images, norm = torch.randn(6, 2, 3, 3), w.norm()
    linear = lambda x: (w * x).sum(dim=(1, 2, 3))  # noqa: E731
    torch.testing.assert_close(of("r1+r2", images, linear), norm**2)
    torch.testing.assert_close(of("wgan-gp", images, linear), (norm - 1) ** 2)


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_minimised(name: str) -> None:
    w = torch.full((1, 1, 2, 2), 2.0, requires_grad=True)
    of(name, torch.randn(4, 1, 2, 2), lambda x: (w * x).sum(dim=(1, 2, 3))).backward()
    assert w.grad is not None
    assert (w.grad > 0).all()


def test_weights_that_a_penalty_comes_with() -> None:
    """Gulrajani et al. 2017: ten; that of the others depends on the network."""
    gammas = {name: PENALTIES[name].gamma for name in NAMES}  # type: ignore[union-attr]
    assert gammas == {"r1": None, "r2": None, "r1+r2": None, "wgan-gp": 10}


def test_a_flat_critic_of_vectors_can_be_minimised() -> None:
    """Its gradient has a norm of 0, whose root has a finite slope all the same."""
    images, w = torch.ones(2, 3), torch.zeros(3, requires_grad=True)
    penalty = of("wgan-gp", images, lambda x: (w * x).sum(dim=1))
    penalty.backward()
    assert penalty.item() == pytest.approx(1, abs=1e-5)
    assert w.grad is not None
    assert w.grad.isfinite().all()
