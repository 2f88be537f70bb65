"""Each gate against generators that are known: perfect, wrong, blurred, copying, repeating."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from gan_augment.gan.networks.codec import PixelCodec
from gan_augment.gan.networks.layers import MinibatchStddev
from gan_augment.metrics.memorisation import copies
from gan_augment.synthesis import gates
from gan_augment.synthesis.gates import GATES
from gan_augment.synthesis.gates.ensemble import temperature_of, tempered
from gan_augment.synthesis.gates.evidence import Candidates, Evidence, Judge
from gan_augment.table import Images

LABEL = 0
Pixels = NDArray[np.uint8]


def of_class(images: Images, label: int) -> Pixels:
    return images.pixels[images.labels == label]


def passed(judge: Judge, evidence: Evidence, pixels: Pixels, label: int = LABEL) -> float:
    """Return the share that passes."""
    return float(judge(look(evidence, pixels, label), np.ones(len(pixels), bool))[1].mean())


def look(evidence: Evidence, pixels: Pixels, label: int = LABEL, seed: int = 0) -> Candidates:
    return evidence.candidates(label, seed, np.arange(len(pixels)), pixels)


@pytest.mark.parametrize("name", ["agreement", "support"])
def test_unseen_real_images_pass_and_those_of_another_class_do_not(
    name: str, evidence: Evidence, splits: dict[str, Images]
) -> None:
    judge = GATES[name](evidence)
    for label in (0, 2):
        assert passed(judge, evidence, of_class(splits["test"], label), label) > 0.8
        others = splits["test"].pixels[splits["test"].labels != label]
        assert passed(judge, evidence, others, label) < 0.2


def test_the_threshold_lets_the_stated_share_of_validation_images_through(
    evidence: Evidence, splits: dict[str, Images]
) -> None:
    for name in ("agreement", "support"):
        shares = [
            passed(GATES[name](evidence), evidence, of_class(splits["validation"], label), label)
            for label in range(10)
        ]
        assert min(shares) >= 0.94
        assert max(shares) < 1


def test_noise_has_no_support(evidence: Evidence) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 1, 8, 8), np.uint8)
    assert passed(GATES["support"](evidence), evidence, noise) < 0.1


def test_rejection_prefers_what_the_discriminator_takes_for_real(evidence: Evidence) -> None:
    """Half of the generator's images pass; of those it ranks higher, more do."""
    judge = GATES["rejection"](evidence)
    pixels = evidence.trained.draw(LABEL, range(400), 1)
    scores, passes = judge(look(evidence, pixels), np.ones(400, bool))
    assert 0.3 < passes.mean() < 0.7
    assert ((scores > 0) & (scores < 1)).all()
    again = judge(look(evidence, pixels[200:]), np.ones(200, bool))
    assert not np.array_equal(again[1], passes[200:])  # other indices, other draws
    np.testing.assert_allclose(again[0], scores[200:], atol=1e-5)


class Dim(nn.Module):
    """A generator whose images are the brighter, the farther the latent is from 0."""

    def __init__(self) -> None:
        super().__init__()
        self.nothing, self.codec = nn.Parameter(torch.zeros(1)), PixelCodec()

    def forward(self, z: Tensor, _: Tensor) -> Tensor:
        return (z[:, :1, None, None].abs() / 2 - 1).expand(-1, 1, 8, 8)


class Brightness(nn.Module):
    """A discriminator that takes images for real the more, the brighter they are."""

    def __init__(self) -> None:
        super().__init__()
        self.nothing, self.codec = nn.Parameter(torch.zeros(1)), PixelCodec()

    def forward(self, x: Tensor, _: Tensor) -> Tensor:
        return x.mean(dim=(1, 2, 3))


def test_rejection_is_fitted_to_images_like_those_that_it_judges(evidence: Evidence) -> None:
    """Truncated ones are all dim; half of them pass nevertheless."""
    trained = replace(evidence.trained, generator=Dim(), discriminator=Brightness())
    evidence = replace(evidence, trained=trained, truncation=0.5)
    pixels = trained.draw(LABEL, range(400), 1, truncation=0.5)
    assert 0.4 < passed(GATES["rejection"](evidence), evidence, pixels) < 0.6


class Variety(nn.Module):
    """A discriminator that sees nothing but how much four images in sequence vary."""

    def __init__(self) -> None:
        super().__init__()
        self.nothing, self.codec = nn.Parameter(torch.zeros(1)), PixelCodec()
        self.variety = MinibatchStddev()

    def forward(self, x: Tensor, _: Tensor) -> Tensor:
        return self.variety(x.flatten(1))[:, -1]


def test_rejection_takes_no_mixture_of_classes_for_a_sign_of_real_images(
    evidence: Evidence, splits: dict[str, Images]
) -> None:
    """The generator makes the very validation images, class by class; these come mixed."""
    draw = lambda label, *_: of_class(splits["validation"], label)  # noqa: E731
    known: Any = SimpleNamespace(discriminator=Variety(), draw=draw)
    rejection = GATES["rejection"](replace(evidence, trained=known))
    assert rejection.sight.accuracy == 0.5
    assert len(rejection.sight.blind) == 10


@pytest.mark.parametrize(
    "change",
    [
        lambda pixels: pixels,
        lambda pixels: np.roll(pixels, 1, axis=3),
        lambda pixels: (pixels * 0.9 + 10).astype(np.uint8),
    ],
    ids=["same", "shifted", "brighter"],
)
def test_copies_of_training_images_are_caught(
    change, evidence: Evidence, splits: dict[str, Images]
) -> None:
    judge = GATES["copies"](evidence)
    for label in (0, 1):
        assert passed(judge, evidence, change(of_class(splits["train"], label)), label) <= 0.06
        assert passed(judge, evidence, of_class(splits["test"], label), label) > 0.9


def test_training_images_are_hashed_when_the_gate_is_fitted(
    evidence: Evidence, splits: dict[str, Images], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not once more for every block of candidates."""
    judge = GATES["copies"](evidence)
    hashed: list[NDArray[np.uint8]] = []
    monkeypatch.setattr(copies, "pixel_hash", lambda image: hashed.append(image) or "")
    pixels = of_class(splits["test"], LABEL)[:7]
    unseen = Candidates(LABEL, 0, np.arange(7), pixels, None, None, None)  # type: ignore[arg-type]
    judge(unseen, np.ones(7, bool))
    assert len(hashed) == 7


def single(evidence: Evidence, label: int) -> Evidence:
    """Return evidence with a single training image of a class."""
    train = evidence.train
    rows = (train.labels != label) | (np.cumsum(train.labels == label) == 1)
    return replace(evidence, train=train.select(rows))


def test_a_class_with_a_single_training_image_passes_but_for_copies_of_it(
    evidence: Evidence, splits: dict[str, Images]
) -> None:
    """Other classes are judged as if it had no validation images."""
    part = single(evidence, 3)
    pixels = of_class(part.train, 3)
    pixels = np.concatenate([pixels, of_class(splits["test"], 0)[:5], np.roll(pixels, 1, axis=3)])
    validation = part.validation
    without = replace(part, validation=validation.select(validation.labels != 3))
    others = of_class(splits["test"], 4)
    for name, passes in (("support", [True] * 7), ("copies", [False] + [True] * 6)):
        judge = GATES[name](part)
        scores, found = judge(look(part, pixels, 3), np.ones(7, bool))
        assert np.isnan(scores).all()
        assert found.tolist() == passes
        assert "1 training images to compare with" in judge.sight.warning(3)
        known, same = (
            gate(look(part, others, 4), np.ones(len(others), bool))
            for gate in (judge, GATES[name](without))
        )
        np.testing.assert_array_equal(known, same)


def test_where_all_classes_have_a_single_training_image_they_pass(evidence: Evidence) -> None:
    part = evidence
    for label in range(10):
        part = single(part, label)
    pixels = of_class(evidence.validation, LABEL)
    for name in ("support", "copies"):
        assert passed(GATES[name](part), part, pixels) == 1


def test_repeats_of_each_other_are_caught_also_in_another_block(
    evidence: Evidence, splits: dict[str, Images]
) -> None:
    judge = GATES["repeats"](evidence)
    pixels = of_class(splits["test"], LABEL)[:12]
    blurred = gaussian_filter(pixels, (0, 0, 0.2, 0.2))
    assert np.abs(blurred.astype(int) - pixels).max() > 0
    first = judge(look(evidence, np.concatenate([pixels, pixels, blurred])), np.ones(36, bool))[1]
    assert first.tolist() == [True] * 12 + [False] * 24
    assert not judge(look(evidence, pixels), np.ones(12, bool))[1].any()


def test_repeats_of_what_an_earlier_run_let_through_are_caught(
    evidence: Evidence, splits: dict[str, Images]
) -> None:
    judge = GATES["repeats"](evidence)
    assert judge.remember is not None
    look_at = look(evidence, of_class(splits["test"], LABEL)[:12])
    judge.remember(LABEL, look_at.seed, look_at.codes[:5])
    assert judge(look_at, np.ones(12, bool))[1].tolist() == [False] * 5 + [True] * 7


def test_what_failed_before_is_no_reason_to_call_another_a_repeat(
    evidence: Evidence, splits: dict[str, Images]
) -> None:
    judge = GATES["repeats"](evidence)
    twice = np.repeat(of_class(splits["test"], LABEL)[:1], 2, axis=0)
    assert judge(look(evidence, twice), np.array([False, True]))[1].tolist() == [False, True]


def test_candidates_go_through_in_the_order_of_the_registry(
    evidence: Evidence, splits: dict[str, Images]
) -> None:
    judges = gates.fit(("repeats", "agreement"), evidence)
    assert list(judges) == ["agreement", "repeats"]
    pixels = np.repeat(of_class(splits["test"], LABEL), 2, axis=0)
    judged = gates.judge(look(evidence, pixels), judges)
    tried, accepted = judged.tally["agreement"]
    assert tried == len(pixels)
    assert judged.tally["repeats"] == (accepted, int(judged.passed.sum()))
    assert judged.passed.sum() == accepted / 2


def test_a_class_with_few_validation_images_gets_the_threshold_of_all(evidence: Evidence) -> None:
    validation = evidence.validation
    few = (validation.labels != 3) | (np.cumsum(validation.labels == 3) <= 5)
    smaller = validation.select(few)
    part = Evidence(evidence.train, smaller, evidence.trained, 0.9, evidence.seed, evidence.scratch)
    scores = smaller.labels.astype(float)
    assert part.by_class(scores, 0.5)[3] == np.median(scores)
    assert part.by_class(scores, 0.5)[4] == 4


def test_temperature_is_the_one_that_was_hidden() -> None:
    """Labels drawn from probabilities that are then sharpened: the temperature undoes it."""
    draw = np.random.default_rng(0)
    honest = draw.dirichlet(np.ones(4), 20_000)
    labels = (draw.random(20_000)[:, None] > honest.cumsum(axis=1)).sum(axis=1)
    assert temperature_of(tempered(honest, 0.4), labels) == pytest.approx(2.5, rel=0.05)
