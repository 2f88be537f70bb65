from pathlib import Path

import numpy as np
import pytest

from gan_augment import table
from gan_augment.errors import UserError
from gan_augment.gan import model
from gan_augment.synthesis.trace import described, find, regenerate
from tests.conftest import CommandLine
from tests.synthesis.test_stage import generate, untrained

__all__ = ["untrained"]


@pytest.fixture
def synthetic(tmp_path: Path, digits: Path, untrained: Path) -> Path:
    generate(digits, untrained, tmp_path / "synthetic", plan={"per_class": 2}, seed=5)
    return tmp_path / "synthetic"


def test_a_synthetic_row_tells_what_made_it_and_is_made_again(
    synthetic: Path, untrained: Path
) -> None:
    identity = table.read(synthetic).rows["id"][7]
    pixels, row = find(synthetic, identity)
    assert (row["id"], row["origin"], row["label"], row["seed"]) == (identity, "synthetic", "3", 5)
    np.testing.assert_array_equal(regenerate(row, model.load(untrained)), pixels)


def test_the_start_of_an_id_is_enough_if_no_other_shares_it(synthetic: Path) -> None:
    identity = table.read(synthetic).rows["id"][0]
    assert find(synthetic, identity[:12])[1]["id"] == identity
    with pytest.raises(UserError, match="20 images whose ids start with ''"):
        find(synthetic, "")
    with pytest.raises(UserError, match="no row whose id starts with 'none'"):
        find(synthetic, "none")


def test_another_generator_is_refused(synthetic: Path, untrained: Path) -> None:
    _, row = find(synthetic, table.read(synthetic).rows["id"][0])
    with pytest.raises(UserError, match="made by generator other, but this one is"):
        regenerate({**row, "generator": "other"}, model.load(untrained))


def test_on_the_command_line(
    cli: CommandLine, synthetic: Path, untrained: Path, tmp_path: Path
) -> None:
    identity = table.read(synthetic).rows["id"][3]
    places = ["--table", str(synthetic), "--model", str(untrained)]
    code, printed = cli("trace", identity, *places, "--out", str(tmp_path / "one.png"))
    assert code == 0
    assert "the same, pixel for pixel" in printed
    drawn = table.from_png((tmp_path / "one.png").read_bytes())
    assert drawn.shape == (1, 260, 260)  # eight pixels, 32 times as large, and an edge
    assert table.pixel_hash(drawn[:, 2:-2:32, 2:-2:32]) == identity


def test_classes_are_told_by_name(synthetic: Path) -> None:
    _, row = find(synthetic, table.read(synthetic).rows["id"][3])
    lines = described({**row, "label": "cat"}, ("dog", "cat", "cow"))
    assert f"{'requested_label':16} cat" in lines
    assert f"{'label':16} cat" in lines
    assert not [line for line in lines if line.endswith("None")]


def test_a_real_row_names_its_file(digits: Path) -> None:
    _, row = find(digits, table.read(digits, "train").rows["id"][0])
    assert row["origin"] == "real"
    assert row["source"].startswith("digits/")


@pytest.mark.parametrize("method", ["gmm", "smote"])
def test_what_a_simpler_method_made_is_made_again_too(
    method: str, cli: CommandLine, digits: Path, tmp_path: Path
) -> None:
    images = generate(digits, tmp_path, tmp_path / "s", method=method)
    row = images.rows.iloc[100]
    assert row["index"] > 0
    places = ["--table", str(tmp_path / "s"), "--real", str(digits)]
    code, printed = cli("trace", row["id"], *places)
    assert code == 0
    assert "made again from real images, seed and index: the same" in printed
