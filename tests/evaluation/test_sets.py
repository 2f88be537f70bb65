"""Every repeat is made of its own set, every trial of one that no repeat uses."""

import pickle
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from gan_augment import table
from gan_augment.errors import UserError
from gan_augment.evaluation import cells, tuning
from gan_augment.evaluation.arms import ARMS, Material, take
from gan_augment.evaluation.sets import Drawn
from gan_augment.gan import model
from gan_augment.params import ClassicParams, EvaluateParams
from gan_augment.subsample import subsample
from gan_augment.synthesis import draws
from gan_augment.table import Images
from tests.synthesis.test_stage import generate, places, untrained

__all__ = ["untrained"]

PARAMS = EvaluateParams(repeats=6, tuning_repeats=1, arms=("real", "gan"), classifiers=("k-nn",))


@pytest.fixture(scope="module")
def drawn(digits: Path, untrained: Path, tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    target = tmp_path_factory.mktemp("drawn") / "s"
    generate(digits, untrained, target, sets=PARAMS.sets, plan={"per_class": 3})
    where = places(target)
    real = table.read(digits, "train")
    return Drawn(real, model.load(untrained), where["synthetic"], where["draws"], PARAMS)


def test_sets_are_those_of_the_tables_and_one_is_held_at_a_time(drawn: Drawn) -> None:
    drawn.check()
    copy: Drawn = pickle.loads(pickle.dumps(drawn))
    for number in (0, 3, 6):
        images = draws.read(drawn.synthetic, drawn.draws, number)
        np.testing.assert_array_equal(copy(number).synthetic.pixels, images.pixels)
        assert list(copy._held) == [number]
    assert not np.array_equal(copy(0).synthetic.pixels, copy(1).synthetic.pixels)


def test_raw_images_differ_from_set_to_set_and_more_begin_with_the_same(drawn: Drawn) -> None:
    few, more = np.array([2, 0, 1] + [0] * 7), np.array([5, 3, 4] + [0] * 7)
    one, two = drawn(0).raw(few), drawn(1).raw(few)
    assert one.labels.tolist() == [0, 0, 2]
    assert not np.array_equal(one.pixels, two.pixels)
    longer = drawn(0).raw(more)
    np.testing.assert_array_equal(longer.pixels[longer.labels == 0][:2], one.pixels[:2])
    assert len(drawn(0).raw(np.zeros(10, np.int64))) == 0


def test_raw_images_are_as_typical_as_those_that_passed_gates(
    drawn: Drawn, digits: Path, untrained: Path, tmp_path: Path
) -> None:
    generate(digits, untrained, tmp_path, sets=1, plan={"per_class": 3}, truncation=0.5)
    made = places(tmp_path)
    raw = Drawn(drawn.real, drawn.trained, made["synthetic"], made["draws"], PARAMS)(0).raw
    asked = np.array([2] + [0] * 9)
    wanted = drawn.trained.draw(0, range(2), raw.seed, 0.5)
    np.testing.assert_array_equal(raw(asked).pixels, wanted)
    assert not np.array_equal(drawn(0).raw(asked).pixels, wanted)


@pytest.mark.parametrize("name", [n for n in ARMS if n not in ("real", "class-weights")])
def test_no_arm_has_the_same_images_in_two_repeats(name: str, drawn: Drawn) -> None:
    """All that is beside the real images, in two repeats and in a trial, is drawn anew."""
    few = subsample(drawn.real.labels, [8] * 10, 0)
    sets, arm = replace(drawn, real=drawn.real.select(few)), ARMS[name]
    option = next(option for option in arm.options if option != 0)
    beside = []
    for number in (0, 1, PARAMS.repeats):
        found = arm.prepare(sets(number), number)(option, drawn.params.classic)
        beside.append(Counter(image.tobytes() for image in found.pixels[found.real :]))
        made = {image.tobytes() for image in found.pixels[found.synthetic]}
        assert bool(made) == ("gan" in name or name == "synthetic-only")
        assert not any(made & earlier.keys() for earlier in beside[:-1])
    assert beside[0] != beside[1] != beside[2] != beside[0]


def test_too_few_draws_and_those_of_another_generator_are_refused(
    drawn: Drawn, tmp_path: Path
) -> None:
    more = PARAMS.model_copy(update={"repeats": 7})
    with pytest.raises(UserError, match="hold 7 draws .* need 8"):
        Drawn(drawn.real, drawn.trained, drawn.synthetic, drawn.draws, more).check()
    images = draws.read(drawn.synthetic, drawn.draws, 1)
    foreign = table.encode(
        images.pixels,
        images.labels,
        images.classes,
        split="train",
        origin="synthetic",
        generator="0" * 16,
    )
    table.write(tmp_path / "other", [foreign], images.classes)
    with pytest.raises(UserError, match="other is of another generator"):
        Drawn(drawn.real, drawn.trained, drawn.synthetic, tmp_path / "other", PARAMS).check()


@pytest.fixture(scope="module")
def materials(train_images: Images) -> tuple[Material, Material]:
    """Return few odd digits, with others to add to them: rightly labelled, and wrongly."""
    few = np.flatnonzero((train_images.labels % 2 == 0) | (np.arange(len(train_images)) % 7 == 0))
    odd = np.flatnonzero(train_images.labels % 2)
    real, right = train_images.select(few), train_images.select(odd)
    wrong = Images(right.pixels, (right.labels + 2) % 10, right.classes, right.rows)
    return tuple(  # type: ignore[return-value]
        Material(real, made, partial(take, right, ratio=1, seed=0), ClassicParams())
        for made in (right, wrong)
    )


def test_a_repeat_uses_the_set_of_its_number(
    materials: tuple[Material, Material], train_images: Images
) -> None:
    right, wrong = materials
    choices = {"real": {"k-nn": None}, "gan": {"k-nn": 3.0}}
    judged = {"test": train_images}

    def accuracies(sets: list[Material]) -> list[float]:
        rows, _ = cells.compute(sets.__getitem__, judged, PARAMS, choices)
        return [row[-1] for row in rows if row[2:5] == ("gan", "test", "accuracy")]

    good = accuracies([right] * PARAMS.sets)
    mixed = accuracies([wrong if number == 4 else right for number in range(PARAMS.sets)])
    assert [n for n in range(6) if good[n] != mixed[n]] == [4]
    assert mixed[4] < good[4] - 0.05


def test_the_tuning_uses_a_set_that_no_repeat_uses(
    materials: tuple[Material, Material], train_images: Images
) -> None:
    right, wrong = materials
    for last, chosen in ((right, {1.0, 2.0, 3.0, 0.5, 0.25}), (wrong, {0.125})):
        others = wrong if last is right else right
        sets = [others] * PARAMS.repeats + [last]
        assert tuning.choose(sets.__getitem__, train_images, PARAMS)["gan"]["k-nn"] in chosen
