from dataclasses import replace

import numpy as np
import pytest

from gan_augment.evaluation.evidence import noise
from gan_augment.evaluation.verdict import verdicts
from tests.evaluation import worlds


def cautions(world: worlds.Outcomes) -> list[str]:
    found: list[str] = verdicts(world, world, 0.5)["overall"]["cautions"]
    return found


def thin(sizes: list[int], objects: int = 0) -> worlds.Outcomes:
    """Return classes of so many images, of which the GAN gets all right, others half in the first.

    Args:
        sizes: images of each class.
        objects: groups that those of the first class are of; 0 is none.
    """
    label = np.repeat(np.arange(len(sizes)), sizes)
    group = np.arange(len(label))
    if objects:
        group[: sizes[0]] %= objects
    even = np.arange(len(label)) % 2 == 0
    real = np.where(label == 0, even, True)
    right = {("svm", "real"): np.tile(real, (6, 1)), ("svm", "gan"): np.ones((6, len(label)))}
    return worlds.outcomes(right, label, 6, group)


def test_a_gain_that_few_images_of_fewer_objects_made_is_told_as_such() -> None:
    """Half of the six images of class a are a sixth of a hundred points, over three classes."""
    (said,) = cautions(thin([6, 40, 40], objects=2))
    assert said == (
        "Thin evidence: 1 of 3 classes has fewer than 20 test images, or than 10 groups of them: "
        "a (6 images of 2 groups). Of +16.7 points against real, +16.7 come from there, +0.0 from "
        "all others."
    )


def test_classes_without_test_images_are_told() -> None:
    world = thin([30, 30])
    for names, said in (("ab", []), ("abc", ["c"]), ("abcdefghi", ["c, d, e, f, g and 2 more"])):
        found = verdicts(world, world, 0.5, classes=tuple(names))["overall"]["cautions"]
        assert found == [
            f"The verdict is about 2 of {len(names)} classes: there is no test image of {them}."
            for them in said
        ]


def test_thin_classes_are_told_where_nothing_was_made() -> None:
    world = thin([6, 40, 40])
    del world.right["svm", "gan"]  # type: ignore[attr-defined]
    (said,) = cautions(world)
    assert said.endswith("a (6 images).")
    classes = verdicts(world, world, 0.5)["overall"]["classes"]
    assert [classes[name]["images"] for name in "abc"] == [6, 40, 40]
    assert classes["a"]["recall"] == {"real": 0.5}


@pytest.mark.parametrize(
    ("sizes", "objects", "names"),
    [
        ([20, 20], 0, None),
        ([20, 20], 10, None),
        ([19, 20], 0, "a (19 images)."),
        ([40, 40], 9, "a (40 images of 9 groups)."),
        ([40, 3], 0, "b (3 images)."),
        ([9] * 7 + [8], 0, "every class has fewer than 20 test images"),
        ([9] * 7 + [8], 0, "h (8 images), a (9 images), b (9 images), c (9 images), d (9 images) "),
        ([9] * 7 + [8], 0, "d (9 images) and 3 more."),
    ],
)
def test_few_is_less_than_the_stated_numbers(
    sizes: list[int], objects: int, names: str | None
) -> None:
    said = cautions(thin(sizes, objects))
    assert [names] == [names for one in said if names and names in one] or (names, said) == (
        None,
        [],
    )


def test_a_judge_that_guesses_is_told() -> None:
    """Two classes, so half is chance: k-nn is ten points below svm."""
    world = worlds.steady({"real": 0.605, "gan": 0.6})
    (said,) = cautions(world)
    assert said == (
        "k-nn may be guessing: 50.5 % by real, 50.0 % by chance. What it says of arms means little."
    )
    found = verdicts(world, world, 0.5)["classifiers"]
    assert found["svm"]["above_chance"]["mean"] == pytest.approx(0.105, abs=0.003)


@pytest.mark.parametrize(
    ("mean", "p", "said"),
    [
        (-0.01, 0.001, "as well"),
        (0.004, 0.001, "as well"),
        (0.01, 0.2, "not told apart"),
        (0.01, 0.01, ""),
    ],
)
def test_what_noise_does_beside_the_gan(mean: float, p: float, said: str) -> None:
    assert noise({"mean": mean, "p": p}, 0.5) == said


def test_a_placebo_that_does_as_well_is_told_whatever_the_best_arm_is() -> None:
    arms = {"real": 0.8, "placebo": 0.85, "gan": 0.85, "gan+classic": 0.9}
    (said,) = cautions(worlds.steady(arms))
    assert said.startswith("Noise does as well as the images of the GAN: gan is ")
    assert cautions(worlds.steady({**arms, "placebo": 0.8})) == []
    assert cautions(worlds.steady({"real": 0.8, "gan": 0.85})) == []


def test_cautions_are_of_what_every_repeat_judges() -> None:
    """Splits of a study: five images of a class in each repeat are five, however many in all."""
    world = thin([30, 30])
    other = replace(world, group=world.group + 1000 * world.repeat)
    assert (other.images, other.groups) == (60, 60)
    assert cautions(other) == []
