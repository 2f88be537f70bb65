"""Gates that know nothing say so: on blurs and noise they are blind, on digits they see."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gan_augment.metrics.cas import standard_error
from gan_augment.synthesis import report
from gan_augment.synthesis.gates import GATES, fit
from gan_augment.synthesis.gates.evidence import Evidence
from gan_augment.table import Images
from tests.synthesis.conftest import generator_of

NAMES = ("agreement", "support", "copies", "repeats")


@pytest.fixture
def noise(splits: dict[str, Images], tmp_path: Path) -> Evidence:
    """Return evidence in which every image is noise: no class can be told."""
    draw = np.random.default_rng(0)
    train, validation = (
        replace(part, pixels=draw.integers(0, 256, part.pixels.shape, np.uint8))
        for part in (splits["train"], splits["validation"])
    )
    return Evidence(train, validation, generator_of(validation), 0.95, 0, tmp_path / "noise")


def test_on_digits_gates_see_and_tell_how_well(evidence: Evidence) -> None:
    gates = fit(NAMES, evidence)
    assert not any(gate.sight.blind or gate.sight.unsure for gate in gates.values())
    sight = gates["agreement"].sight
    assert sight.accuracy is not None
    assert sight.accuracy > 0.8
    assert sight.chance == 0.1
    assert sight.error == standard_error(sight.accuracy, evidence.validation)
    lines = report.in_words(gates, [0, 3], evidence.train.classes)
    assert lines == [
        f"the gates' classifiers: balanced accuracy {sight.accuracy:.2f} ± {sight.error:.2f} on "
        "validation, 0.10 by chance"
    ]


def test_where_no_class_can_be_told_everything_passes_and_the_gates_are_blind(
    noise: Evidence,
) -> None:
    gates = fit(("agreement", "support"), noise)
    candidates = noise.candidates(3, 0, np.arange(128), noise.trained.draw(3, range(128), 0))
    assert gates["agreement"](candidates, np.ones(128, bool))[1].mean() > 0.8
    for gate in gates.values():
        assert set(gate.sight.blind) == set(range(10))
        assert "cannot tell the classes: balanced accuracy 0." in gate.sight.warning(3)
    _, first, second = report.in_words(gates, range(10), noise.train.classes)
    assert first.startswith("warning: the gate agreement is blind in all classes: the gates' cl")
    assert second.startswith("warning: the gate support is blind in all classes")


def test_two_classes_that_look_alike_blind_the_gate_to_one_of_them(evidence: Evidence) -> None:
    """Images of class 4 carry either of two labels at random: at least one is not known."""
    draw = np.random.default_rng(0)

    def mixed(images: Images) -> Images:
        fours = np.flatnonzero((images.labels == 4) | (images.labels == 8))
        pixels, labels = images.pixels.copy(), images.labels.copy()
        pixels[fours] = pixels[draw.choice(np.flatnonzero(labels == 4), len(fours))]
        labels[fours] = np.where(draw.random(len(fours)) < 0.95, 4, 8)
        return replace(images, pixels=pixels, labels=labels)

    train, validation = mixed(evidence.train), mixed(evidence.validation)
    sight = GATES["agreement"](replace(evidence, train=train, validation=validation)).sight
    assert len(sight.blind) == 1
    assert set(sight.blind) < {4, 8}
    (label,) = sight.blind
    assert "not surely better than chance at the class: recall 0." in sight.warning(label)


def test_few_validation_images_of_a_class_make_its_threshold_unsure(evidence: Evidence) -> None:
    validation = evidence.validation
    few = (validation.labels != 3) | (np.cumsum(validation.labels == 3) <= 5)
    part = replace(evidence, validation=validation.select(few))
    for name in ("agreement", "support", "repeats"):
        sight = GATES[name](part).sight
        assert list(sight.unsure) == [3]
        told = "unsure: the threshold is that of all classes: 5 validation images, fewer than 20"
        assert sight.warning(3) == told or 3 in sight.blind


def test_few_training_images_leave_nothing_to_compare_with(evidence: Evidence) -> None:
    train = evidence.train
    few = (train.labels != 5) | (np.cumsum(train.labels == 5) <= 8)
    part = replace(evidence, train=train.select(few))
    for name in ("support", "copies"):
        assert "8 training images to compare with" in GATES[name](part).sight.warning(5)
    lines = report.in_words(fit(("copies",), part), [4, 5], train.classes)
    assert lines == [
        "warning: the gate copies is blind in 5: 8 training images to compare with, fewer than 11"
    ]


def test_too_few_validation_images_leave_exact_copies_alone(evidence: Evidence) -> None:
    part = replace(evidence, validation=evidence.validation.select(np.arange(0, 36, 2)))
    assert GATES["copies"](part).sight.warning(0).startswith("blind: only exact copies")


def test_the_discriminator_is_blind_where_it_cannot_tell_real_from_made(
    evidence: Evidence, splits: dict[str, Images]
) -> None:
    """An untrained one sees no difference between real images; between real and black it does."""
    sight = GATES["rejection"](evidence).sight
    assert sight.chance == 0.5
    assert set(sight.blind) == set(range(10))
    black = generator_of(splits["test"], np.zeros_like)
    seeing = GATES["rejection"](replace(evidence, trained=black)).sight
    assert seeing.accuracy is not None
    assert seeing.accuracy > 0.6
    assert not seeing.blind
