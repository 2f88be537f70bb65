from pathlib import Path

import numpy as np
import pytest

from pipeline import table
from pipeline.errors import UserError
from pipeline.gan import model
from pipeline.gan.networks import NETWORKS, Shape
from pipeline.gan.sampling import sample
from pipeline.params import GenerateParams
from pipeline.synthesis import stage


@pytest.fixture
def untrained(tmp_path: Path) -> Path:
    """Return a model with random weights."""
    shape = Shape(1, (8, 8), 10, 16, 8, 32)
    network = NETWORKS["mlp"]
    (tmp_path / "model").mkdir()
    model.save(
        tmp_path / "model",
        network.generator(shape),
        network.discriminator(shape),
        network="mlp",
        shape=shape,
        classes=tuple("0123456789"),
        training={},
    )
    return tmp_path / "model"


def generate(digits: Path, trained: Path, target: Path, **values: object) -> table.Images:
    stage.run(
        GenerateParams.model_validate(values),
        {"real": digits, "model": trained},
        {"synthetic": target},
    )
    return table.read(target)


def test_fill_brings_every_class_up_to_the_largest(
    digits: Path, untrained: Path, tmp_path: Path
) -> None:
    images = generate(digits, untrained, tmp_path / "s")
    total = images.counts() + table.read(digits, "train").counts()
    assert np.ptp(total) == 0


def test_every_row_can_be_made_again_from_its_provenance(
    digits: Path, untrained: Path, tmp_path: Path
) -> None:
    images = generate(digits, untrained, tmp_path / "s", plan={"per_class": 3}, seed=7)
    trained = model.load(untrained)
    for pixels, label, (_, row) in zip(
        images.pixels, images.labels, images.rows.iterrows(), strict=True
    ):
        assert (row["origin"], row["split"], row["generator"]) == (
            "synthetic",
            "train",
            trained.hash,
        )
        assert row["requested_label"] == label
        again = sample(
            trained.generator, 16, int(label), range(row["index"], row["index"] + 1), row["seed"]
        )
        np.testing.assert_array_equal(again[0], pixels)


def test_the_same_bytes_whatever_the_chunk(
    digits: Path, untrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate(digits, untrained, tmp_path / "one", plan={"per_class": 50})
    monkeypatch.setattr(stage, "CHUNK", 7)
    generate(digits, untrained, tmp_path / "two", plan={"per_class": 50})
    for first, second in zip(
        table.shards(tmp_path / "one"), table.shards(tmp_path / "two"), strict=True
    ):
        assert first.read_bytes() == second.read_bytes()


def test_a_generator_of_other_classes_is_refused(
    untrained: Path, tmp_path: Path, train_images: table.Images
) -> None:
    other = tuple("abcdefghij")
    rows = table.encode(
        train_images.pixels, train_images.labels, other, split="train", origin="real"
    )
    table.write(tmp_path / "real", [rows], other)
    with pytest.raises(UserError, match="trained on the classes 0, 1, .* but .* has a, b"):
        generate(tmp_path / "real", untrained, tmp_path / "s")
