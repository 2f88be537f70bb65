import numpy as np
import pytest
from hypothesis import given
from sklearn.neighbors import NearestNeighbors

from gan_augment.errors import UserError
from gan_augment.metrics import fidelity
from gan_augment.metrics.fidelity import TooFewRowsError
from gan_augment.metrics.memorisation import nearest, nearest_of_class
from tests.metrics.memorisation.worlds import SEEDS, rows


@pytest.mark.parametrize(("n", "m", "features"), [(70, 90, 5), (3, 400, 64), (200, 1, 2)])
def test_nearest_agrees_with_scikit_learn(
    n: int, m: int, features: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fidelity, "CHUNK", 1_000)  # several chunks
    queries, references = rows(0, n, features), rows(1, m, features) + 50
    theirs, indices = NearestNeighbors(n_neighbors=1).fit(references).kneighbors(queries)
    found = nearest(queries, references)
    assert found.distances == pytest.approx(theirs[:, 0], rel=1e-12)
    assert (found.indices == indices[:, 0]).all()


def test_nearest_other_and_nearest_of_a_class() -> None:
    line = np.array([[0.0], [1], [3], [7]])
    assert nearest(line, line).distances.tolist() == [0, 0, 0, 0]
    others = nearest(line, line, own=np.arange(4))
    assert others.distances.tolist() == [1, 1, 2, 4]
    assert others.indices.tolist() == [1, 0, 1, 2]
    two = nearest(line[:2], line[:2], own=np.arange(2))
    assert (two.distances.tolist(), two.indices.tolist()) == ([1, 1], [1, 0])
    found = nearest_of_class(
        np.array([[0.9], [0.9]]), np.array([5, 2]), line, np.array([5, 2, 2, 5])
    )
    assert found.indices.tolist() == [0, 1]
    assert found.distances == pytest.approx([0.9, 0.1])


def test_the_nearest_other_of_an_image_that_is_there_twice_is_its_twin() -> None:
    line = np.array([[5.0], [0], [5], [9]])
    found = nearest(line, line, own=np.arange(4))
    assert found.distances.tolist() == [0, 5, 0, 4]
    assert found.indices[[0, 2]].tolist() == [2, 0]
    assert found.indices[1] in (0, 2)


@given(SEEDS)
def test_the_distance_of_a_copy_is_exactly_zero(seed: int) -> None:
    references = rows(seed, features=16) * 3 + 1e3
    found = nearest(references[::2], references)
    assert (found.distances == 0).all()
    assert (found.indices == np.arange(0, 60, 2)).all()


def test_nothing_to_compare_with_is_refused() -> None:
    with pytest.raises(TooFewRowsError, match="at least 1 training images, not 0"):
        nearest(rows(0), rows(0, 0))
    with pytest.raises(UserError, match="class 7 has no training images"):
        nearest_of_class(rows(0, 2), np.array([1, 7]), rows(0, 2), np.array([1, 1]))
    assert [len(part) for part in nearest(rows(0, 0), rows(0))] == [0, 0]
