import io
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from gan_augment import table
from gan_augment.errors import UserError
from gan_augment.ingest.sources import RawImage, find
from gan_augment.params import IngestParams


def read(source: str, path: Path, **params: object) -> list[RawImage]:
    found = find(IngestParams.model_validate({"source": source, "path": path, **params}))
    images = list(found.images)
    assert len(images) == found.total
    return images


def listing(folder: Path) -> pd.DataFrame:
    files = sorted(folder.rglob("*.png"))
    return pd.DataFrame(
        {
            "file": [file.relative_to(folder).as_posix() for file in files],
            "label": [file.parent.name for file in files],
            "split": ["val" if file.stem == "3" else None for file in files],
            "group": [f"g{file.stem}" for file in files],
        }
    )


@pytest.mark.parametrize("source", ["csv", "parquet"])
@pytest.mark.parametrize("as_file", [False, True])
def test_a_table_of_paths(folder_of_images: Path, source: str, as_file: bool) -> None:
    (folder_of_images / "digit 0" / "0.png").rename(folder_of_images / "digit 0" / "ß.png")
    wanted = listing(folder_of_images)
    target = folder_of_images / f"list.{source}"
    wanted.to_csv(target, index=False) if source == "csv" else wanted.to_parquet(target)
    images = read(source, target if as_file else folder_of_images)
    assert [image.name for image in images] == wanted["file"].tolist()
    assert [image.label for image in images] == wanted["label"].tolist()
    assert [image.group for image in images] == wanted["group"].tolist()
    assert {image.name for image in images if image.split} == {f"digit {n}/3.png" for n in range(3)}
    assert images[3].split in (None, "validation")
    for image in images:
        np.testing.assert_array_equal(
            np.asarray(image.open()), np.asarray(Image.open(folder_of_images / image.name))
        )


def test_columns_of_other_names(folder_of_images: Path) -> None:
    renamed = listing(folder_of_images).rename(columns={"file": "scan", "label": "kind"})
    renamed.to_csv(folder_of_images / "l.csv", index=False)
    columns = {"image": "scan", "label": "kind", "group": "kind"}
    image = read("csv", folder_of_images, columns=columns)[0]
    assert (image.name, image.label, image.group) == ("digit 0/0.png", "digit 0", "digit 0")
    with pytest.raises(UserError, match="none of the columns image, img, .*columns.image"):
        read("csv", folder_of_images)
    with pytest.raises(UserError, match="ingest.columns.image = 'scn': did you mean 'scan'"):
        read("csv", folder_of_images, columns={"image": "scn"})


def png(value: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (8, 8), value).save(buffer, "PNG")
    return buffer.getvalue()


def test_an_image_table_of_ours(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 3, 8, 8), np.uint8)
    splits = ["train", "test"] * 3
    rows = table.encode(
        pixels, np.arange(6) % 3, ["a", "b", "ü"], split=splits, origin="real", group=list("uvwxyz")
    )
    table.write(tmp_path / "t", [rows], ["a", "b", "ü"])
    images = read("parquet", tmp_path / "t")
    assert [image.label for image in images] == ["b", "a", "ü", "a", "ü", "b"]
    assert [image.split for image in images] == ["test"] * 3 + ["train"] * 3
    assert [image.group for image in images] == list("vxzuwy")
    np.testing.assert_array_equal(np.asarray(images[4].open()).transpose(2, 0, 1), pixels[2])


def test_a_hugging_face_image_dataset(tmp_path: Path) -> None:
    hf = pytest.importorskip("datasets")
    features = hf.Features({"image": hf.Image(), "label": hf.ClassLabel(names=["cat", "dog"])})
    for split in ("train", "test"):
        content = {
            "image": [{"bytes": png(n), "path": None} for n in range(4)],
            "label": [0, 1, 0, 1],
        }
        made = hf.Dataset.from_dict(content, features=features)
        made.to_parquet(tmp_path / f"{split}-00000-of-00001.parquet")
    images = read("parquet", tmp_path)
    assert [image.label for image in images] == ["cat", "dog"] * 4
    assert [image.split for image in images] == ["test"] * 4 + ["train"] * 4
    assert len({image.name for image in images}) == 8
    assert images[2].open().getpixel((0, 0)) == 2


def test_plain_bytes_and_rows_without_image_or_label(tmp_path: Path) -> None:
    rows = {"image": [png(3), None, png(4)], "label": ["a", "b", None]}
    pq.write_table(pa.table(rows), tmp_path / "x.parquet")
    images = read("parquet", tmp_path / "x.parquet")
    assert images[0].open().getpixel((0, 0)) == 3
    assert images[2].label is None
    with pytest.raises(OSError, match="neither bytes nor a path"):
        images[1].open()


def test_what_is_no_table(tmp_path: Path) -> None:
    for source in ("csv", "parquet"):
        with pytest.raises(UserError, match="no file matches"):
            read(source, tmp_path)
        (tmp_path / f"x.{source}").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(UserError, match="is not a"):
            read(source, tmp_path)


def test_files_outside_are_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x.csv").write_text("file,label\n../x.png,a\n")
    with pytest.raises(UserError, match="must lie inside"):
        read("csv", tmp_path / "in")


def test_splits_that_do_not_exist(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("file,label,split\nx.png,a,training\n")
    with pytest.raises(UserError, match="row 1: split 'training'; allowed"):
        read("csv", tmp_path)
