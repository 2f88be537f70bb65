"""Draws: sets that differ in their seed alone, each made as if it were the only one."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gan_augment import table
from gan_augment.engine import resumed, stream
from gan_augment.errors import UserError
from gan_augment.gan import model
from gan_augment.synthesis import draws, gates, sampler
from gan_augment.synthesis import sets as module
from gan_augment.synthesis.draws import seed_of_set
from gan_augment.table import Images
from tests.conftest import CommandLine
from tests.synthesis.conftest import generator_of
from tests.synthesis.test_stage import generate, perfect, places, untrained

__all__ = ["perfect", "untrained"]

GATES = {"gates": ["copies", "repeats"], "max_tries": 100}


def sets(target: Path, count: int) -> list[Images]:
    where = places(target)
    return [draws.read(where["synthetic"], where["draws"], number) for number in range(count)]


@pytest.mark.usefixtures("perfect")
def test_every_set_is_what_its_seed_makes_alone(digits: Path, tmp_path: Path) -> None:
    """Gates judge within a set: what other sets hold makes no image a repeat."""
    plan = {"plan": {"classes": {"0": 12, "3": 7}}, **GATES}
    generate(digits, tmp_path, tmp_path / "s", sets=3, **plan)
    found = sets(tmp_path / "s", 3)
    np.testing.assert_array_equal(found[0].pixels, table.read(tmp_path / "s").pixels)
    for number, images in enumerate(found):
        seed = seed_of_set(0, number)
        assert set(images.rows["seed"]) == {seed}
        alone = generate(digits, tmp_path, tmp_path / f"{number}", seed=seed, **plan)
        np.testing.assert_array_equal(images.pixels, alone.pixels)
        np.testing.assert_array_equal(images.labels, alone.labels)
        noted = ["id", "index", "gates", "nearest_id", "nearest_distance"]
        pd.testing.assert_frame_equal(images.rows[noted], alone.rows[noted])
    ids = [set(images.rows["id"]) for images in found]
    assert all(ids[0] != other for other in ids[1:])
    assert ids[1] != ids[2]


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in places(folder)["draws"].iterdir()}


@pytest.mark.usefixtures("all_cores", "perfect")
def test_side_by_side_sets_have_the_same_bytes_and_those_finished_are_kept(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = {"plan": {"classes": {"0": 12, "3": 7}}, "gates": list(gates.GATES), "max_tries": 100}
    generate(digits, tmp_path, tmp_path / "one by one", sets=4, **plan)
    monkeypatch.setattr(module, "MANY", 0)
    made: list[object] = []

    class Killed(BaseException):
        pass

    def stopped(*arguments: object, **options: object) -> Iterator[object]:
        for rows in stream(*arguments, **options):  # type: ignore[arg-type]
            if len(made) == 2:
                raise Killed
            made.append(rows)
            yield rows

    with monkeypatch.context() as patch:
        patch.setattr(resumed, "stream", stopped)
        with pytest.raises(Killed):
            generate(digits, tmp_path, tmp_path / "side by side", sets=4, **plan)
    kept = list(places(tmp_path / "side by side")["scratch"].rglob("set-*.parquet"))
    assert sorted(file.name for file in kept) == ["set-001.parquet", "set-002.parquet"]
    asked: list[int] = []

    def told(function: object, numbers: Iterator[int], **options: object) -> Iterator[object]:
        asked.extend(numbers)
        return stream(function, asked, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(resumed, "stream", told)
    generate(digits, tmp_path, tmp_path / "side by side", sets=4, **plan)
    assert asked == [3]
    assert contents(tmp_path / "side by side") == contents(tmp_path / "one by one")


@pytest.mark.parametrize("method", ["gan", "gmm", "smote", "oversample", "placebo"])
def test_whatever_the_method_sets_have_the_same_counts_and_other_images(
    method: str, digits: Path, untrained: Path, tmp_path: Path
) -> None:
    generate(digits, untrained, tmp_path / "s", sets=2, method=method)
    one, two = sets(tmp_path / "s", 2)
    assert one.counts().tolist() == two.counts().tolist()
    assert not np.array_equal(one.pixels, two.pixels)


def test_too_few_sets_are_told_and_none_are_needed_without_images(
    digits: Path, untrained: Path, tmp_path: Path
) -> None:
    generate(digits, untrained, tmp_path / "s", sets=2, plan={"per_class": 1})
    where = places(tmp_path / "s")
    draws.require(where["synthetic"], where["draws"], 2)
    with pytest.raises(UserError, match="hold 2 draws .* need 3: run `dvc repro generate`"):
        draws.require(where["synthetic"], where["draws"], 3)
    generate(digits, untrained, tmp_path / "s", sets=2, plan={"classes": {"0": 0}})
    draws.require(where["synthetic"], where["draws"], 3)
    assert [len(images) for images in sets(tmp_path / "s", 3)] == [0, 0, 0]


def test_what_filled_the_first_set_is_given_more_tries_in_others(
    digits: Path, splits: dict[str, Images], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In later sets ten images in eleven are ones where threes are asked for."""
    labels, threes = splits["test"].labels, splits["test"].pixels
    pixels = np.concatenate([threes[labels == 3], np.tile(threes[labels == 1], (10, 1, 1, 1))])
    mixed = generator_of(Images(pixels, np.full(len(pixels), 3), splits["test"].classes, None))
    settings = {"plan": {"classes": {"3": 40}}, "gates": ["agreement"], "max_tries": 4}
    right = generator_of(splits["test"])

    class Changing:
        hash, classes, conditional, shape = right.hash, right.classes, True, right.shape
        discriminator, space = right.discriminator, None

        def draw(self, label, indices, seed, truncation=None):
            source = mixed if seed else right
            return source.draw(label, indices, seed, truncation)

    monkeypatch.setattr(model, "load", lambda _: Changing())
    generate(digits, tmp_path, tmp_path / "s", sets=2, **settings)
    assert sets(tmp_path / "s", 2)[1].counts()[3] == 40
    monkeypatch.setattr(sampler, "PATIENCE", 1)
    with pytest.raises(UserError, match="fewer than one in 4"):
        generate(digits, tmp_path, tmp_path / "s", sets=2, **settings)


@pytest.mark.parametrize("method", ["gan", "smote"])
def test_a_row_of_another_draw_is_made_again(
    method: str, cli: CommandLine, digits: Path, untrained: Path, tmp_path: Path
) -> None:
    generate(digits, untrained, tmp_path / "s", sets=3, method=method, plan={"per_class": 4})
    path = places(tmp_path / "s")["draws"]
    identity = table.read(path).rows["id"].iloc[-1]
    where = ["--table", str(path), "--real", str(digits), "--model", str(untrained)]
    code, printed = cli("trace", identity, *where)
    assert code == 0
    assert "the same, pixel for pixel" in printed
