"""The monitor on histories made by hand; tests/gan/test_stage.py provokes each trouble for real."""

import math
import re
from typing import Any

import pytest

from gan_augment.gan.history import History
from gan_augment.gan.monitor import diagnose, is_sound, remedy
from gan_augment.gan.recipe import recipe
from gan_augment.params import TrainParams

HEALTHY = {"cas": 0.9, "kid_pixels": 0.05, "diversity": 0.9, "overfitting": 0.3}


def losses(step: int, **values: float) -> dict[str, Any]:
    row = {"loss_discriminator": 0.6, "penalty": 0.1, "weights_generator": 10.0}
    return {"step": step, **row, **values}


def history(*evaluations: dict[str, Any], **last_losses: float) -> History:
    rows = [{"step": 500 * n, **HEALTHY, **row} for n, row in enumerate(evaluations, start=1)]
    both = [losses(20), losses(1000, **last_losses)]
    floor = {"cas": 0.95, "chance": 0.1, "chance_error": 0.02}
    return History(floor=floor, losses=both, validation=rows)


def test_health() -> None:
    assert diagnose(history({}, {})) is None
    assert diagnose(History(losses=[losses(20)])) is None


@pytest.mark.parametrize(
    ("last", "words"),
    [
        ({"penalty": math.nan}, "penalty not finite"),
        ({"loss_discriminator": math.inf}, "loss of discriminator not finite"),
        ({"penalty": 2e4}, "penalty above 10000"),
        ({"weights_generator": 500.0}, "weights of generator more than 30 times .* at step 20"),
    ],
)
def test_divergence_in_the_numbers(last: dict[str, float], words: str) -> None:
    trouble = diagnose(history({}, **last))
    assert trouble is not None
    assert trouble.kind == "divergence"
    assert re.search(words, trouble.words)


@pytest.mark.parametrize(
    ("bad", "kind", "words"),
    [
        ({"cas": 0.6}, "useless images", "CAS 0.600, once 0.900"),
        ({"cas": 0.12}, "useless images", "learns nothing from the images: CAS 0.120"),
        ({"diversity": 0.1}, "mode collapse", "vary 0.10 times as much"),
        (
            {"overfitting": 0.95, "kid_pixels": 0.8},
            "discriminator overfitting",
            "rose from 0.050 to 0.800",
        ),
    ],
)
def test_scores_must_be_bad_twice(bad: dict[str, float], kind: str, words: str) -> None:
    assert diagnose(history({}, bad)) is None
    assert diagnose(history({}, bad), patience=1) is not None
    assert diagnose(history({}, bad, {})) is None
    trouble = diagnose(history({}, bad, bad))
    assert trouble is not None
    assert trouble.kind == kind
    assert words in trouble.words


def test_every_generator_is_poor_in_its_first_steps() -> None:
    poor = {"diversity": 0.0, "cas": 0.1}
    early = [{"step": step, **poor} for step in (50, 100, 150)]
    assert diagnose(history(*early)) is None


def test_images_of_any_class_are_no_trouble_until_labels_had_time_to_be_learned() -> None:
    """Labels are in at step 1,400, and 200 steps later CAS counts."""
    ramp = history(*[{"cas": 0.1}] * 4)
    ramp.labelled = 1400
    assert diagnose(ramp) is None
    ramp.validation += history(*[{"cas": 0.1}] * 5).validation[4:]
    trouble = diagnose(ramp)
    assert trouble is not None
    assert trouble.words == "a classifier learns nothing from the images: CAS 0.100"


def test_only_a_settled_and_healthy_state_is_sound() -> None:
    assert is_sound(history({}))
    assert not is_sound(history({"step": 100}))
    assert not is_sound(history({}, {"diversity": 0.1}))


def test_an_overfitted_discriminator_whose_images_are_still_good_is_left_alone() -> None:
    assert diagnose(history({}, *[{"overfitting": 0.99}] * 3)) is None
    assert diagnose(history({}, *[{"kid_pixels": 0.9}] * 3)) is None


@pytest.mark.parametrize("real", [0.52, 0.59, 0.6])
def test_where_real_images_teach_nothing_for_sure_the_generator_is_not_blamed(real: float) -> None:
    """Half by chance, with a standard error of 0.05."""
    bad = history({"cas": 0.5}, {"cas": 0.5})
    bad.floor = {"cas": real, "chance": 0.5, "chance_error": 0.05}
    assert diagnose(bad) is None
    bad.floor["cas"] = 0.61
    trouble = diagnose(bad)
    assert trouble is not None
    assert trouble.kind == "useless images"


def test_scores_that_are_unknown_are_no_trouble() -> None:
    unknown = {"cas": None, "kid_pixels": None, "diversity": None}
    assert diagnose(history(*[unknown] * 3)) is None


@pytest.mark.parametrize(
    ("bad", "given", "learning_rate", "gamma"),
    [
        ({"cas": 0.1}, {}, 0.5, 2.0),
        ({"cas": 0.1}, {"gamma": 0.0}, 0.5, 1.0),
        ({"diversity": 0.1}, {}, 0.5, 2.0),
        ({"overfitting": 0.95, "kid_pixels": 0.8}, {}, 1.0, 3.0),
        ({"diversity": 0.1}, {"gamma": 0.0}, 0.5, 1.0),
    ],
)
def test_the_remedy_suits_the_trouble(
    bad: dict[str, float], given: dict[str, Any], learning_rate: float, gamma: float
) -> None:
    trouble = diagnose(history({}, bad, bad))
    assert trouble is not None
    chosen = remedy(trouble, recipe(TrainParams(**given), (8, 8)))
    assert (chosen.learning_rate, chosen.gamma) == (learning_rate, gamma)
