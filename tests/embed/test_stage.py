"""The stage embed: every image once, resumable, the same bytes."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from loky import get_reusable_executor
from PIL import Image
from pyarrow.parquet import ParquetFile

from gan_augment import table
from gan_augment.embed import backbones, stage
from gan_augment.embed.rows import with_features
from gan_augment.errors import UserError
from gan_augment.params import EmbedParams
from gan_augment.storage import read_json
from tests.conftest import QUICK_BACKBONE as QUICK


def outputs(folder: Path) -> dict[str, Path]:
    return {"features": folder / "features", "scratch": folder / "scratch"}


def test_rows_are_those_of_the_images(features: Path, digits: Path) -> None:
    seen, images = table.read(features), table.read(digits)
    assert seen.pixels.shape == (len(images), 1280)
    assert seen.space == table.space(features)
    assert np.array_equal(seen.labels, images.labels)
    for column in ("id", "group", "split", "origin"):
        assert list(seen.rows[column]) == list(images.rows[column])
    assert table.samples({"real": digits, "features": features}) == features
    assert table.table_hash(features, "test") == table.table_hash(digits, "test")


def test_a_row_is_what_the_backbone_says_of_its_image(features: Path, digits: Path) -> None:
    seen = table.read(features, "validation")
    images = [table.picture(image) for image in table.read(digits, "validation").pixels[:64]]
    assert seen.space is not None
    expected = backbones.embed(images, seen.space)
    assert np.allclose(seen.pixels[:64], expected, rtol=1e-4, atol=1e-4)


def test_what_writes_the_rows_reads_no_image(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers have read them; of each row group it reads the columns that it keeps, once."""
    read, reads = table.read_group, list[tuple[Path, int, tuple[str, ...]]]()

    def noted(file: ParquetFile, group: int, shard: Path, names: tuple[str, ...] = ()) -> pa.Table:
        reads.append((shard, group, names))
        return read(file, group, shard, names)

    def made(_: object, tasks: dict[str, stage.Block], __: Path) -> Iterator[np.ndarray]:
        return (np.ones((block.stop - block.start, 1280), np.float32) for block in tasks.values())

    monkeypatch.setattr(table, "read_group", noted)
    monkeypatch.setattr(stage, "features", made)
    stage._group.cache_clear()
    stage.run(QUICK, {"real": digits}, outputs(tmp_path))
    assert reads == [
        (shard, group, stage.KEPT)
        for shard in table.shards(digits)
        for group in range(table.opened(shard).num_row_groups)
    ]


def test_killed_and_started_again_it_gives_the_same_bytes(
    features: Path, digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    rows = stage._rows
    made: list[int] = []

    def some(*arguments: object) -> object:
        if len(made) == 3:
            raise Killed
        made.append(1)
        return rows(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(stage, "_rows", some)
    with pytest.raises(Killed):
        stage.run(QUICK, {"real": digits}, outputs(tmp_path))
    get_reusable_executor().shutdown(kill_workers=True)
    assert not (tmp_path / "features").exists()
    kept = list((tmp_path / "scratch").rglob("*.npy"))
    assert len(kept) >= 3
    monkeypatch.setattr(stage, "_rows", rows)
    stage.run(QUICK, {"real": digits}, outputs(tmp_path))
    for shard in table.shards(features):
        assert (tmp_path / "features" / shard.name).read_bytes() == shard.read_bytes()
    assert not list((tmp_path / "scratch").rglob("*.npy"))


def test_another_table_in_the_same_place_is_read_anew(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(
        function: Callable[[stage.Block], np.ndarray], tasks: dict[str, stage.Block], _: Path
    ) -> Iterator[np.ndarray]:
        return map(function, tasks.values())

    def looked(_: object, __: str, images: list[Image.Image]) -> np.ndarray:
        means = [np.asarray(image).mean() for image in images]
        return np.repeat(np.float32(means)[:, None], 1280, axis=1)

    monkeypatch.setattr(stage, "features", made)
    monkeypatch.setattr(backbones, "look", looked)
    train, real = table.read(digits, "train"), tmp_path / "real"
    for shown, group in [(slice(0, 8), "a"), (slice(8, 16), "a"), (slice(8, 16), "b")]:
        part = {"split": "train", "origin": "real", "group": group}
        rows = table.encode(train.pixels[shown], train.labels[shown], train.classes, **part)
        table.write(real, [rows], train.classes)
        stage.run(QUICK, {"real": real}, outputs(tmp_path))
        seen = table.read(tmp_path / "features")
        assert np.allclose(seen.pixels[:, 0], train.pixels[shown].mean(axis=(1, 2, 3)))
        assert set(seen.rows["group"]) == {group}


def test_without_a_backbone_it_says_so(digits: Path, tmp_path: Path) -> None:
    stage.run(EmbedParams(), {"real": digits}, outputs(tmp_path))
    assert read_json(tmp_path / "features" / "backbone.json") == {"backbone": "none"}
    assert table.samples({"real": digits, "features": tmp_path / "features"}) == digits


def test_features_of_other_images_are_refused(features: Path, tmp_path: Path) -> None:
    images = table.read(features, "train")
    assert images.space is not None
    with table.Writer(tmp_path / "other", images.classes, space=images.space) as writer:
        writer.append(
            table.encode(
                images.pixels[:5],
                images.labels[:5],
                images.classes,
                split="train",
                origin="real",
                space=images.space,
            )
        )
    with pytest.raises(UserError, match="is of other images"):
        table.samples({"real": features, "features": tmp_path / "other"})


def test_what_is_generated_can_be_asked_for(digits: Path, features: Path, tmp_path: Path) -> None:
    both = {"real": digits, "features": features}
    assert [table.samples(both, kind) for kind in ("features", "pixels")] == [features, digits]
    alone = {"real": digits, "features": tmp_path}
    assert table.embedded(alone) is None
    assert table.samples(alone, "pixels") == digits
    with pytest.raises(UserError, match="name one in embed.backbone"):
        table.samples(alone, "features")


def test_rows_of_images_get_the_features_that_the_stage_gives(digits: Path, features: Path) -> None:
    space = table.space(features)
    assert space is not None
    rows = next(table.scan(digits, "validation")).slice(0, 70)
    found = table.decode(pa.concat_tables(with_features([rows], space)))
    assert found.space == space
    expected = table.read(features, "validation").pixels[:70]
    np.testing.assert_allclose(found.pixels, expected, rtol=1e-4, atol=1e-5)
