from pathlib import Path

import numpy as np
import pytest
import torchvision
from PIL import Image

from gan_augment.errors import UserError
from gan_augment.ingest.sources import find
from gan_augment.ingest.sources.raw import RawImage
from gan_augment.params import IngestParams
from tests.ingest.sources.test_idx import LABELS, PIXELS, make


def read(path: Path, dataset: str | None, **params: object) -> list[RawImage]:
    found = find(
        IngestParams.model_validate(
            {"source": "torchvision", "path": path, "dataset": dataset, **params}
        )
    )
    images = list(found.images)
    assert len(images) == found.total
    return images


@pytest.fixture
def mnist(tmp_path: Path) -> Path:
    """Return a root as torchvision's MNIST leaves it, with the digits of scikit-learn in it."""
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    make(raw, "")
    return tmp_path


def test_published_splits_by_the_argument_train(mnist: Path) -> None:
    images = read(mnist, "MNIST")
    assert len(images) == 1500
    assert [image.split for image in images] == ["train"] * 1200 + ["test"] * 300
    names = torchvision.datasets.MNIST.classes
    assert [image.label for image in images] == [names[label] for label in LABELS[:1500]]
    np.testing.assert_array_equal(np.asarray(images[1300].open()), PIXELS[1300])


def test_options_win(mnist: Path) -> None:
    images = read(mnist, "MNIST", dataset_options={"train": False})
    assert {image.split for image in images} == {None}
    assert len(images) == 300
    with pytest.raises(UserError, match="ingest.dataset_options = 'trian': did you mean 'train'"):
        read(mnist, "MNIST", dataset_options={"trian": False})


def test_published_splits_by_the_argument_split(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for label in (0, 1):
            folder = tmp_path / "gtsrb" / "GTSRB"
            folder = folder / ("Training" if split == "train" else "Final_Test/Images")
            folder = folder / f"{label:05d}" if split == "train" else folder
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(PIXELS[label]).convert("RGB").save(folder / f"{label}.ppm")
    (tmp_path / "gtsrb" / "GT-final_test.csv").write_text("Filename;ClassId\n0.ppm;0\n1.ppm;1\n")
    images = read(tmp_path, "GTSRB")
    assert [(image.split, image.label) for image in images] == [
        ("train", "0"),
        ("train", "1"),
        ("test", "0"),
        ("test", "1"),
    ]
    assert images[1].open().size == (8, 8)


@pytest.fixture
def emnist(tmp_path: Path) -> Path:
    """Return a root as torchvision's EMNIST leaves it, with the digits of scikit-learn in it."""
    raw = tmp_path / "EMNIST" / "raw"
    raw.mkdir(parents=True)
    for file in make(tmp_path, "").glob("*-ubyte"):
        file.rename(raw / f"emnist-digits-{file.name.replace('t10k', 'test')}")
    return tmp_path


def test_arguments_that_a_class_hands_on_are_known(
    emnist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EMNIST's `train` and QMNIST's `download` are MNIST's."""
    images = read(emnist, "EMNIST", dataset_options={"split": "digits"})
    assert [image.split for image in images] == ["train"] * 1200 + ["test"] * 300
    with pytest.raises(UserError, match="ingest.dataset_options: EMNIST needs 'split'"):
        read(emnist, "EMNIST")

    def no_network(_: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(torchvision.datasets.QMNIST, "download", no_network)
    with pytest.raises(UserError, match="QMNIST is not in .* cannot be fetched .no route to host"):
        read(emnist, "QMNIST")


def test_a_dataset_of_one_piece(tmp_path: Path) -> None:
    options = {"size": 6, "image_size": [3, 8, 8], "num_classes": 2}
    images = read(tmp_path, "FakeData", dataset_options=options)
    assert len(images) == 6
    assert {image.label for image in images} <= {"0", "1"}
    assert images[0].open().size == (8, 8)


def test_what_cannot_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("torchvision.datasets.utils.urllib.request.urlopen", no_network)
    with pytest.raises(UserError, match="MNIST is not in .* and cannot be fetched"):
        read(tmp_path, "MNIST")
    with pytest.raises(UserError, match="ImageNet is not in"):
        read(tmp_path, "ImageNet")
    with pytest.raises(UserError, match="ingest.dataset = 'MNISTS': did you mean"):
        read(tmp_path, "MNISTS")
    with pytest.raises(UserError, match="ingest.dataset = 'wrap_dataset_for_transforms_v2': allow"):
        read(tmp_path, "wrap_dataset_for_transforms_v2")  # a function
    with pytest.raises(UserError, match="name a class of torchvision"):
        read(tmp_path, None)
