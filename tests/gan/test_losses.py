import math

import pytest
import torch

from pipeline.gan.losses import LOSSES


def test_relativistic_pairing_by_hand() -> None:
    loss = LOSSES["relativistic"]
    real, fake = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 2.0])
    expected_d = (math.log1p(math.exp(-1)) + math.log1p(math.exp(2))) / 2
    expected_g = (math.log1p(math.exp(1)) + math.log1p(math.exp(-2))) / 2
    assert loss.discriminator(real, fake).item() == pytest.approx(expected_d)
    assert loss.generator(real, fake).item() == pytest.approx(expected_g)


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_pull_the_right_way(name: str) -> None:
    real, fake = torch.zeros(3, requires_grad=True), torch.zeros(3, requires_grad=True)
    LOSSES[name].discriminator(real, fake).backward()
    assert (real.grad < 0).all()  # type: ignore[operator]
    assert (fake.grad > 0).all()  # type: ignore[operator]
    fake.grad = None
    LOSSES[name].generator(real, fake).backward()
    assert (fake.grad < 0).all()  # type: ignore[operator]
