"""The code of a recipe that looks at transformed images, run as a user runs it."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from gan_augment import table
from gan_augment.data import load
from gan_augment.embed import backbones
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
