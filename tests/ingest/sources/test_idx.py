import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from gan_augment.errors import UserError
from gan_augment.ingest.sources import find
from gan_augment.ingest.sources.raw import RawImage
from gan_augment.params import IngestParams

PIXELS = (load_digits().images * (255 / 16)).round().astype(np.uint8)
LABELS = load_digits().target.astype(np.uint8)


def write(path: Path, array: np.ndarray) -> None:
    content = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(
        f">{array.ndim}I", *array.shape
    )
    content += array.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def make(folder: Path, ending: str = ".gz") -> Path:
    for name, part in (("train", slice(0, 1200)), ("t10k", slice(1200, 1500))):
        write(folder / f"{name}-images-idx3-ubyte{ending}", PIXELS[part])
        write(folder / f"{name}-labels-idx1-ubyte{ending}", LABELS[part])
    return folder


def read(folder: Path, **params: object) -> list[RawImage]:
    found = find(IngestParams.model_validate({"source": "idx", "path": folder, **params}))
    images = list(found.images)
    assert len(images) == found.total
    return images


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_pixels_labels_and_published_splits(tmp_path: Path, ending: str) -> None:
    images = {image.name: image for image in read(make(tmp_path, ending))}
    assert len(images) == 1500
    for index in (0, 999, 1000, 1199):
        image = images[f"train-images/{index:05d}"]
        assert (image.label, image.split) == (str(LABELS[index]), "train")
        np.testing.assert_array_equal(np.asarray(image.open()), PIXELS[index])
    assert images["t10k-images/00299"].split == "test"
    assert images["t10k-images/00299"].label == str(LABELS[1499])


def test_a_glob_picks_a_pair(tmp_path: Path) -> None:
    assert len(read(make(tmp_path), files="t10k*")) == 300


def test_of_a_file_gzipped_and_unpacked_one_is_read(tmp_path: Path) -> None:
    """As torchvision leaves them in the folder `raw`; here only the test images are unpacked."""
    make(tmp_path)
    write(tmp_path / "t10k-images-idx3-ubyte", PIXELS[1200:1500])
    found = find(IngestParams(source="idx", path=tmp_path))
    assert found.total == 1500 == len({image.name for image in found.images})
    left = {"gzipped, with the unpacked file beside it": (1, "t10k-images-idx3-ubyte.gz")}
    assert found.skipped == left
    assert len(read(tmp_path, files="*.gz")) == 1500


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "t10k-labels-idx1-ubyte.gz").unlink(), "has no labels"),
        (lambda f: write(f / "t10k-labels-idx1-ubyte.gz", LABELS[:7]), "300 images and .* 7 labe"),
        (lambda f: write(f / "t10k-images-idx3-ubyte.gz", LABELS), "is not an idx file"),
        (
            lambda f: (f / "t10k-images-idx3-ubyte.gz").write_bytes(
                (f / "t10k-images-idx3-ubyte.gz").read_bytes()[:5000]
            ),
            "cannot be read .*: fetch it again",
        ),
        (lambda f: (f / "t10k-images-idx3-ubyte.gz").write_bytes(b"no gzip"), "cannot be read"),
        (lambda f: [file.unlink() for file in f.iterdir()], "holds no idx files"),
    ],
)
def test_files_that_do_not_fit(tmp_path: Path, spoil: object, message: str) -> None:
    spoil(make(tmp_path))  # type: ignore[operator]
    with pytest.raises(UserError, match=message):
        read(tmp_path)


def test_a_file_that_ends_early(tmp_path: Path) -> None:
    make(tmp_path, "")
    file = tmp_path / "train-images-idx3-ubyte"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(UserError, match="ends before all that its header declares"):
        read(tmp_path)
