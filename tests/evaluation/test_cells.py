from functools import partial
from pathlib import Path

import numpy as np
import pytest

from gan_augment.engine import SHARE
from gan_augment.evaluation import cells
from gan_augment.evaluation.arms import ARMS, Material, take
from gan_augment.evaluation.training_set import Extent
from gan_augment.params import ClassicParams, EvaluateParams
from gan_augment.table import Images

PARAMS = EvaluateParams(
    repeats=6, arms=("real", "gan"), classifiers=("k-nn", "logistic-regression")
)


@pytest.fixture(scope="module")
def material(train_images: Images) -> Material:
    few = train_images.labels.argsort(kind="stable")[::4]
    real = train_images.select(few)
    return Material(real, real, partial(take, real, ratio=1, seed=0), ClassicParams())


def test_every_cell_is_there_and_finished_ones_are_not_computed_again(
    material: Material, train_images: Images, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last cell is computed by another process, to the same bits."""
    judged = {"validation": material.real, "test": train_images}
    sets = ([material] * PARAMS.sets).__getitem__
    args = sets, judged, PARAMS, {arm: dict.fromkeys(PARAMS.classifiers) for arm in PARAMS.arms}
    rows, hits = cells.compute(*args, tmp_path)
    accuracies = {tuple(row[:4]): row[-1] for row in rows if row[4] == "accuracy"}
    assert len(accuracies) == 6 * 2 * 2 + 6 * 2 * 3  # `real` is judged on synthetic images, too
    assert min(accuracies.values()) > 0.7
    assert set(hits) == {
        (split, name, arm) for split in judged for name in PARAMS.classifiers for arm in PARAMS.arms
    }
    for (split, name, arm), right in hits.items():
        assert right.shape == (6, len(judged[split]))
        told = [accuracies[repeat, name, arm, split] for repeat in range(6)]
        np.testing.assert_allclose(right.mean(axis=1), told)

    kept = {file: file.stat().st_mtime_ns for file in tmp_path.glob("*.json")}
    removed = min(kept)
    removed.unlink()
    monkeypatch.delenv(SHARE)
    again, hits_again = cells.compute(*args, tmp_path)
    assert again == rows
    assert all((hits[key] == hits_again[key]).all() for key in hits)
    newer = {file for file, then in kept.items() if file.stat().st_mtime_ns != then}
    assert newer == {removed}


def test_all_arms_know_how_large_the_largest_is(material: Material) -> None:
    """As many are added, for a copy twice as many, and half of all again; each has three copies."""
    params = EvaluateParams(arms=("real", "smote", "gan", "gan+classic"))
    found = {
        cells.training_sets(material, arm, params, 0)(ARMS[arm].options[0], None).extent
        for arm in params.arms
    }
    assert found == {Extent(3, 4 * (9 * len(material.real) // 2))}


def test_the_fingerprint_follows_params_and_inputs() -> None:
    first = cells.fingerprint(PARAMS, "a", "b")
    assert first == cells.fingerprint(PARAMS, "a", "b")
    assert first != cells.fingerprint(PARAMS, "a", "c")
    assert first != cells.fingerprint(PARAMS.model_copy(update={"seed": 1}), "a", "b")


def test_the_fingerprint_follows_classifiers_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a class gave that has been mended since is not used again."""
    base, own = tmp_path / "my_base.py", tmp_path / "my_forest.py"
    base.write_text("from sklearn.tree import DecisionTreeClassifier\n")
    base.write_text(base.read_text() + "class Tree(DecisionTreeClassifier): pass\n")
    own.write_text("from my_base import Tree\nclass Forest(Tree): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    params = PARAMS.model_copy(update={"classifiers": ("k-nn", "my_forest:Forest")})
    found = [cells.fingerprint(params)]
    assert cells.fingerprint(params) == found[0]
    for file in (own, base):
        file.write_text(file.read_text() + "# mended\n")
        found.append(cells.fingerprint(params))
    assert len(set(found)) == 3
