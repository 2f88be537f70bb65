import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from gan_augment.gan import augment
from gan_augment.gan.augment import AUGMENTATIONS, MOST, NUMBERS, Augment

ALL = tuple(AUGMENTATIONS)


def images(n: int = 6, channels: int = 3, height: int = 16, width: int = 24) -> Tensor:
    return torch.rand(n, channels, height, width, generator=torch.manual_seed(1)) * 2 - 1


def uniform(n: int = 6, seed: int = 0) -> Tensor:
    return torch.rand(n, NUMBERS, generator=torch.Generator().manual_seed(seed))


def numbers(value: float, n: int = 6) -> Tensor:
    return torch.full((n,), value)


def test_brightness_saturation_and_contrast_by_hand() -> None:
    x = images()
    half = numbers(0.5)
    torch.testing.assert_close(augment.brightness(x, numbers(0.75), half), x + 0.25)
    for unchanged in (augment.brightness, augment.saturation, augment.contrast):
        torch.testing.assert_close(unchanged(x, half, half), x)
    grey = augment.saturation(x, numbers(0.0), half)
    torch.testing.assert_close(grey, x.mean(1, keepdim=True).expand_as(x))
    mean = x.mean((1, 2, 3), keepdim=True)
    torch.testing.assert_close(augment.contrast(x, numbers(0.0), half), (x + mean) / 2)


@given(a=st.floats(0, 0.999), b=st.floats(0, 0.999))
def test_translation_shifts_whole_pixels_up_to_an_eighth(a: float, b: float) -> None:
    x = images()
    shifted = augment.translation(x, numbers(a), numbers(b))
    down, right = 2 - int(a * 5), 3 - int(b * 7)
    expected = torch.zeros_like(x)
    rows, columns = range(16), range(24)
    for row in rows:
        for column in columns:
            if row - down in rows and column - right in columns:
                expected[:, :, row, column] = x[:, :, row - down, column - right]
    torch.testing.assert_close(shifted, expected)


@given(a=st.floats(0, 0.999), b=st.floats(0, 0.999))
def test_cutout_paints_a_rectangle_of_at_most_half_of_each_side(a: float, b: float) -> None:
    x = torch.ones(1, 1, 16, 24)
    hole = augment.cutout(x, numbers(a, 1), numbers(b, 1))[0, 0] == 0
    assert 0 < hole.any(1).sum() <= 8
    assert 0 < hole.any(0).sum() <= 12
    assert hole.sum() == hole.any(1).sum() * hole.any(0).sum()


def test_each_operation_happens_to_a_share_of_the_images() -> None:
    x, u = images(2000, 1), uniform(2000)
    for name in ALL:
        policy = Augment((name,), 0.3, steps=100)
        touched = (policy(x, u) != x).flatten(1).any(1).float().mean()
        expected = 1 - 0.7 ** sum(op is not augment.saturation for op in AUGMENTATIONS[name])
        assert touched == pytest.approx(expected, abs=0.05)


def test_what_happens_depends_on_the_numbers_alone_and_on_no_other_image() -> None:
    policy, x, u = Augment(ALL, 0.5, steps=100), images(), uniform()
    whole = policy(x, u)
    torch.testing.assert_close(policy(x[2:4], u[2:4]), whole[2:4])


def test_gradients_flow_through() -> None:
    x = images().requires_grad_()
    Augment(ALL, 0.5, steps=100)(x, uniform()).sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0


def test_no_policy_changes_nothing() -> None:
    x = images()
    assert Augment((), "adaptive", steps=100)(x, uniform()) is x


def adapted(real: float, fake: float, zero: float | None, steps: int) -> float:
    policy = Augment(ALL, "adaptive", steps=100)
    assert policy.p == 0
    for _ in range(steps):
        policy.adapt(torch.full((4,), real), torch.full((4,), fake), zero, lambda mean: mean)
    return policy.p.item()


def test_adaptive_probability_rises_while_the_discriminator_is_too_sure() -> None:
    assert adapted(real=2.0, fake=-2.0, zero=0.0, steps=10) == pytest.approx(MOST / 2)
    assert adapted(real=2.0, fake=-2.0, zero=0.0, steps=1000) == pytest.approx(MOST)
    assert adapted(real=-2.0, fake=-4.0, zero=0.0, steps=10) == 0
    assert adapted(real=-2.0, fake=-4.0, zero=None, steps=10) == pytest.approx(MOST / 2)
    assert adapted(real=-4.0, fake=-2.0, zero=None, steps=10) == 0


def test_a_fixed_probability_stays() -> None:
    policy = Augment(ALL, 0.25, steps=100)
    policy.adapt(torch.ones(4), -torch.ones(4), 0.0, lambda mean: mean)
    assert policy.p == 0.25
