import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader
from torchvision.transforms import v2

from gan_augment.data import Data, load
from gan_augment.data.dataset import MixingSampler
from gan_augment.errors import UserError
from gan_augment.recipe.mixing import times


def test_pairs_are_what_the_table_holds(data: Data) -> None:
    dataset = data.torch()
    images, labels = data.numpy()
    assert len(dataset) == len(data)
    for row in (0, 7, -1):
        image, label = dataset[row]
        assert image.dtype == torch.float32
        np.testing.assert_array_equal((image[0] * 255).round().numpy(), images[row])
        assert label == labels[row]
    assert dataset.classes == data.classes
    assert dataset.labels.tolist() == labels.tolist()


def test_iterating_ends(data: Data) -> None:
    assert len(list(data.torch())) == len(data)


def test_a_transform_gets_the_picture(data: Data) -> None:
    resize = v2.Compose([v2.Resize(16), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
    assert data.torch(transform=resize)[0][0].shape == (1, 16, 16)
    assert data.torch(transform=lambda picture: picture.mode)[0][0] == "L"


def test_soft_labels_and_weights(data: Data) -> None:
    dataset = data.torch(soft=True, weighted=True)
    assert dataset.weights.shape == (len(data),)
    assert dataset.soft_labels.shape == (len(data), 10)
    _, label, weight = dataset[3]
    assert torch.equal(label, dataset.soft_labels[3])
    assert float(weight) == 1.0
    batch = next(iter(DataLoader(dataset, batch_size=4)))
    torch.nn.functional.cross_entropy(torch.zeros(4, 10), batch[1])


def test_loaders_with_workers_give_the_same(data: Data) -> None:
    dataset = data.torch()
    alone = DataLoader(dataset, batch_size=100)
    processes = {"num_workers": 2, "multiprocessing_context": "forkserver"}
    together = DataLoader(dataset, batch_size=100, **processes)
    for one, other in zip(alone, together, strict=True):
        assert torch.equal(one[0], other[0])
        assert torch.equal(one[1], other[1])


def test_an_epoch_at_the_share_that_validation_chose(data: Data) -> None:
    sampler = data.torch().sampler(share="verdict")
    assert sampler.share == 0.5
    epochs = [list(sampler) for _ in range(20)]
    for epoch in epochs:
        assert len(epoch) == len(sampler) == (~data.synthetic).sum() + data.synthetic.sum() / 2
        often = np.bincount(epoch, minlength=len(data))
        assert (often[~data.synthetic] == 1).all()
        assert set(often[data.synthetic]) <= {0, 1}
    assert epochs[0] != epochs[1]
    drawn = Counter(row for epoch in epochs for row in epoch if data.synthetic[row])
    assert len(drawn) == data.synthetic.sum()
    again = data.torch().sampler(share="verdict")
    assert [list(again), list(again)] == epochs[:2]
    assert list(data.torch().sampler(share="verdict", seed=1)) != epochs[0]


@pytest.mark.parametrize("share", ["verdit", "0.5", None, -1, float("nan"), float("inf")])
@pytest.mark.parametrize("fill", [False, True])
def test_a_share_is_a_number(share: Any, fill: bool, data: Data) -> None:
    with pytest.raises(UserError, match="should be a number of 0 or more, or 'verdict'"):
        data.torch().sampler(share, fill=fill)


@pytest.mark.parametrize("seed", [-1, 0.5, "1", None])
def test_a_seed_is_a_whole_number(seed: Any, data: Data) -> None:
    with pytest.raises(UserError, match="seed = .*: should be a whole number of 0 or more"):
        data.torch().sampler(seed=seed)
    assert len(list(data.torch().sampler(np.float32(1), seed=np.int64(3)))) == len(data)


def test_by_arm_and_classifier(data: Data) -> None:
    dataset = data.torch()
    assert dataset.sampler(arm="smote", classifier="rbf-svm").share == 0.75
    filled = dataset.sampler(arm="smote+classic")
    assert len(filled) == len(data)
    assert dataset.sampler(share=0).times.sum() == (~data.synthetic).sum()
    assert len(dataset.sampler(share=0, fill=True)) == len(data)


def test_an_arm_for_other_synthetic_images_than_those_of_the_table_is_refused(
    data: Data, augmented: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="images by gan, and the table ships those by smote: name"):
        data.torch().sampler(arm="gan", classifier="k-nn")
    shutil.copytree(augmented, tmp_path / "real")
    verdict = {**(data.verdict or {}), "recipe": {"arm": "class-weights"}}
    (tmp_path / "real/verdict.json").write_text(json.dumps(verdict))
    real = load(tmp_path / "real").torch()
    assert real.sampler(arm="real").share == 0
    with pytest.raises(UserError, match="arm = 'smote': .* by smote, and the table ships none: "):
        real.sampler(arm="smote")


def test_the_recipe_of_what_ships(data: Data, project: Path) -> None:
    recipe = data.recipe
    assert (recipe.arm, recipe.methods, recipe.classifier) == ("smote", ("smote",), "k-nn")
    assert data.torch().sampler().share == recipe.share
    assert data.recipe_of(classifier="rbf-svm").share == 0.75
    weights = data.recipe_of("class-weights").class_weights
    assert weights is not None
    assert list(weights) == list(data.classes)
    transform = data.recipe_of("smote+classic").transform()
    assert data.torch(transform=transform)[0][0].shape == (1, 8, 8)
    with pytest.raises(UserError, match="arm = 'gmm': .*allowed: real, class-weights, smote"):
        data.recipe_of("gmm")
    with pytest.raises(UserError, match="classifier = 'svm': did you mean 'rbf-svm'"):
        data.torch().sampler(classifier="svm")
    with pytest.raises(UserError, match=r"no verdict.json: say share=1.0"):
        load(project / "data/synthetic").torch().sampler()


@pytest.mark.parametrize(
    ("arm", "classifier"),
    [
        (None, None),
        (None, "rbf-svm"),
        ("smote", "rbf-svm"),
        ("smote+classic", None),
        ("class-weights", "k-nn"),
        ("real", None),
    ],
)
def test_the_code_of_a_recipe_shows_rows_as_often_as_it_says(
    arm: str | None, classifier: str | None, data: Data, augmented: Path
) -> None:
    recipe = data.recipe_of(arm, classifier)
    found: dict[str, Any] = {}
    exec(recipe.code(str(augmented)), found)
    planned = np.array([*recipe.planned.values()])
    often = times(data.labels, data.synthetic, recipe.share, recipe.again, planned)
    np.testing.assert_array_equal(found["batches"].sampler.times, often)


def test_the_code_of_what_ships_names_nothing(data: Data) -> None:
    for named in ({}, {"arm": "smote"}, {"classifier": "k-nn"}):
        assert "sampler=train.sampler())" in data.recipe_of(**named).code()
    other = data.recipe_of("smote+classic").code()
    assert '# data.recipe_of(arm="smote+classic").transform()' in other
    assert 'sampler=train.sampler(arm="smote+classic"))' in other


def test_without_synthetic_rows_there_is_nothing_to_mix(augmented: Path) -> None:
    real = load(augmented, synthetic=False)
    assert sorted(real.torch().sampler()) == list(range(len(real)))


@given(
    st.lists(st.floats(0, 3), min_size=1, max_size=30),
    st.integers(0, 5),
)
def test_rows_come_as_often_as_they_should(often: list[float], seed: int) -> None:
    sampler = MixingSampler(np.array(often), 1.0, seed)
    for _ in range(3):
        epoch = list(sampler)
        assert len(epoch) == len(sampler)
        seen = np.bincount(epoch, minlength=len(often))
        assert (seen >= np.floor(often)).all()
        assert (seen <= np.ceil(often)).all()


def test_fractions_are_met_over_epochs() -> None:
    sampler = MixingSampler(np.array([1.0, 0.3, 0.7, 1.5, 0.5]), 1.0)
    often = Counter(row for _ in range(2000) for row in sampler)
    found = np.array([often[row] for row in range(5)]) / 2000
    np.testing.assert_allclose(found, sampler.times, atol=0.03)
