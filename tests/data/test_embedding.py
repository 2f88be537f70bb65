"""Features of a pulled table: of new images, and in the code of a recipe, run as a user runs it."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression

from gan_augment import table
from gan_augment.data import load
from gan_augment.embed import backbones
from gan_augment.ingest.decode import as_stored
from gan_augment.params import IngestParams
from tests.conftest import QUICK_BACKBONE
from tests.recipes import recipe

CLASSIC = {"policy": "trivial-augment", "flip": True}
REAL, MADE = 12, 4
VERDICT = {
    "planned": {"a": 0, "b": MADE},
    "recipe": {"arm": "gan+classic"},
    "recipes": {
        "gan+classic": recipe(["gan"], k_nn={"share": 1.0, "classic": CLASSIC, "copies": 2})
    },
}


@pytest.fixture
def augmented(tmp_path: Path) -> Path:
    """Return a table of images with their features, and of synthetic features without an image."""
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (REAL, 3, 12, 12), np.uint8)
    backbone = backbones.load(QUICK_BACKBONE, QUICK_BACKBONE.backbone)
    seen = backbone([table.picture(image) for image in pixels])
    rows = [
        table.encode(
            features,
            labels,
            ["a", "b"],
            split="train",
            origin=origin,
            space=backbone.space,
            image=[table.png(image) for image in images] if len(images) else None,
        )
        for features, labels, origin, images in (
            (seen, np.arange(REAL) // 8, "real", pixels),
            (seen[8:] + 1, np.ones(MADE, np.int64), "synthetic", pixels[:0]),
        )
    ]
    with table.Writer(tmp_path / "augmented", ["a", "b"], space=backbone.space) as writer:
        for some in rows:
            writer.append(some)
    (tmp_path / "augmented" / "verdict.json").write_text(json.dumps(VERDICT))
    return tmp_path / "augmented"


def test_real_rows_are_seen_again_transformed_and_synthetic_ones_as_they_are(
    augmented: Path,
) -> None:
    found: dict[str, np.ndarray] = {}
    exec(load(augmented).recipe.code(str(augmented)), found)
    data, rows, features = load(augmented), found["rows"], found["features"]
    epoch = REAL + MADE
    assert sorted(rows) == list(range(epoch))
    assert features.shape == (3 * epoch, 1280)
    np.testing.assert_array_equal(features[:epoch], data.features[rows])
    made = rows[data.synthetic[rows]]
    np.testing.assert_array_equal(features[-2 * MADE :], data.features[np.tile(made, 2)])
    np.testing.assert_array_equal(found["labels"][-2 * MADE :], [1] * 2 * MADE)
    real = np.tile(rows[~data.synthetic[rows]], 2)
    copies = features[epoch : -2 * MADE]
    np.testing.assert_array_equal(found["labels"][epoch : -2 * MADE], data.labels[real])
    changed = np.abs(copies - data.features[real]).max(axis=1) > 1e-3
    assert changed.mean() > 0.5  # the policy may also do next to nothing
    LogisticRegression(max_iter=50).fit(features, found["labels"])


@pytest.mark.parametrize("fit", ["stretch", "pad", "crop"])
@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_a_new_image_is_seen_as_it_would_be_if_it_were_in_the_table(
    fit: table.Fit, channels: int, mode: str, tmp_path: Path
) -> None:
    draw = np.random.default_rng(0)
    upright = Image.fromarray(draw.integers(0, 256, (9, 5, 3), np.uint8)).resize((60, 90))
    params = IngestParams(image_size=(24, 16), channels=channels, fit=fit)  # type: ignore[arg-type]
    pixels = as_stored(upright, params)
    assert table.picture(pixels).mode == mode
    backbone = backbones.load(QUICK_BACKBONE, QUICK_BACKBONE.backbone)
    seen = backbone([table.picture(pixels)])
    row = table.encode(
        seen,
        np.zeros(1, np.int64),
        ["a"],
        split="train",
        origin="real",
        space=backbone.space,
        image=[table.png(pixels)],
    )
    with table.Writer(tmp_path / "table", ["a"], space=backbone.space, fit=fit) as writer:
        writer.append(row)
    lying = upright.transpose(Image.Transpose.ROTATE_90)
    lying.getexif()[0x0112] = 6
    data = load(tmp_path / "table")
    for image in (upright, lying, data.image(0)):
        np.testing.assert_allclose(data.embed([image]), data.features, atol=1e-4)
