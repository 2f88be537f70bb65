from collections.abc import Callable
from pathlib import Path

import pytest

from gan_augment import table
from gan_augment.errors import UserError
from gan_augment.versions.unpack import unpack


@pytest.fixture
def pulled(tmp_path: Path, random_images: Callable[..., table.Images]) -> Path:
    """Return an image table whose files are read-only, as in the cache."""
    images = random_images()
    folder = tmp_path / "pulled"
    rows = table.encode(images.pixels, images.labels, images.classes, split="train", origin="real")
    table.write(folder, [rows], images.classes)
    for file in folder.iterdir():
        file.chmod(0o444)
    return folder


def test_a_copy_is_the_users_own(pulled: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    unpack(pulled, out, "parquet")
    assert table.table_hash(out) == table.table_hash(pulled)
    (file,) = out.iterdir()
    assert file.stat().st_mode & 0o200
    written = file.stat().st_ino
    unpack(pulled, out, "parquet")
    assert file.stat().st_ino == written

    file.write_bytes(b"mine")
    with pytest.raises(UserError, match="holds something else"):
        unpack(pulled, out, "parquet")
    assert file.read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("folder", "train/metadata.parquet"),
        ("webdataset", "train-000000.tar"),
        ("npz", "train.npz"),
    ],
)
def test_other_forms(pulled: Path, tmp_path: Path, form: str, written: str) -> None:
    unpack(pulled, tmp_path / "out", form)
    assert (tmp_path / "out" / written).exists()


def test_no_such_form(pulled: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--format = 'parket': did you mean 'parquet'"):
        unpack(pulled, tmp_path / "out", "parket")
    assert not (tmp_path / "out").exists()
