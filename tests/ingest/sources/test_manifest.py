import io
import os
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from gan_augment import table
from gan_augment.errors import UserError
from gan_augment.ingest.sources import find
from gan_augment.ingest.sources.raw import RawImage
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


@pytest.mark.parametrize("names", ["image image label", "image label label"])
@pytest.mark.parametrize("source", ["csv", "parquet"])
def test_columns_of_one_name_are_refused(tmp_path: Path, source: str, names: str) -> None:
    file = tmp_path / f"t.{source}"
    if source == "csv":
        file.write_text(f"{','.join(names.split())}\na,b,c\n")
    else:
        pq.write_table(pa.Table.from_arrays([pa.array(["a"])] * 3, names.split()), file)
    with pytest.raises(UserError, match="has several columns '(image|label)': give each a name"):
        read(source, tmp_path)


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("1.png", None),
        ("cat/1.png", None),
        ("p1/cat/1.png", "p1/cat"),
        ("test/1.png", None),
        ("cat/train/1.png", None),
        ("p1/1.png", "p1"),
        ("train/cat/p1/1.png", "train/cat/p1"),
    ],
)
def test_the_folder_of_a_listed_image_parts_its_class(
    tmp_path: Path, path: str, folder: str | None
) -> None:
    (tmp_path / "x.csv").write_text(f"file,label\n{path},cat\n")
    (image,) = read("csv", tmp_path)
    assert image.folder == folder


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


def test_tables_of_one_name_in_several_folders(tmp_path: Path) -> None:
    """As Hugging Face lays out what it converts itself, and as people lay out paths."""
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        rows = {"image": [png(3), png(4)], "label": ["a", "b"]}
        pq.write_table(pa.table(rows), tmp_path / split / "0000.parquet")
    names = [image.name for image in read("parquet", tmp_path)]
    assert names == [f"{s}/0000.parquet/0000{n}" for s in ("test", "train") for n in range(2)]
    for path in (tmp_path / "train", tmp_path / "train" / "0000.parquet"):
        assert [i.name for i in read("parquet", path)] == [
            "0000.parquet/00000",
            "0000.parquet/00001",
        ]
    for split in ("train", "test"):
        rows = {"image": ["1.png", f"../{split}/2.png"], "label": ["a", "b"]}
        pq.write_table(pa.table(rows), tmp_path / split / "0000.parquet")
    names = [image.name for image in read("parquet", tmp_path)]
    assert names == [f"{s}/{n}.png" for s in ("test", "train") for n in (1, 2)]
    names = [image.name for image in read("parquet", tmp_path / "train")]
    assert names == ["1.png", "2.png"]


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
    (tmp_path / "x.csv").write_text("file,label,split\nx.png,a,later\n")
    with pytest.raises(UserError, match="row 1: split 'later'; allowed"):
        read("csv", tmp_path)


def hugging_face(path: Path, names: list[str], cells: list[int | None]) -> None:
    hf = pytest.importorskip("datasets")
    features = hf.Features({"image": hf.Image(), "label": hf.ClassLabel(names=names)})
    images = [{"bytes": png(n), "path": None} for n in range(len(cells))]
    hf.Dataset.from_dict({"image": images, "label": cells}, features=features).to_parquet(path)


def test_a_class_label_keeps_its_order(tmp_path: Path) -> None:
    hugging_face(tmp_path / "x.parquet", ["zebra", "cat", "10", "2"], [3, 2, 1, 0, None])
    found = find(IngestParams(source="parquet", path=tmp_path))
    assert found.classes == ("zebra", "cat", "10", "2")
    assert [image.label for image in found.images] == ["2", "10", "cat", "zebra", None]
    assert not found.understood


def test_a_class_of_the_source_without_images_is_told(tmp_path: Path) -> None:
    hugging_face(tmp_path / "x.parquet", ["zebra", "cat", "ant"], [0, 2])
    found = find(IngestParams(source="parquet", path=tmp_path))
    assert found.classes == ("zebra", "ant")
    assert found.understood == ("classes of the source that have no image, left out: cat",)


def labels_of(path: Path, labels: pa.Array) -> tuple[tuple[str, ...], list[str | None]]:
    images = [png(n) for n in range(len(labels))]
    pq.write_table(pa.table({"image": images, "label": labels}), path / "x.parquet")
    found = find(IngestParams(source="parquet", path=path))
    return found.classes, [image.label for image in found.images]


@pytest.mark.parametrize(
    ("cells", "kind", "wanted"),
    [
        ([10.0, 2.0, float("nan")], pa.float64(), ["10", "2", None]),
        ([10.0, 2.0, float("nan")], pa.float16(), ["10", "2", None]),
        ([10, 2, None], pa.int8(), ["10", "2", None]),
        (["10", "2", " "], pa.string(), ["10", "2", None]),
        ([b"10", b"2", None], pa.binary(), ["10", "2", None]),
        (["10", "2", None], pa.dictionary(pa.int8(), pa.string()), ["10", "2", None]),
    ],
)
def test_labels_of_any_type(
    tmp_path: Path, cells: list[object], kind: pa.DataType, wanted: list[str | None]
) -> None:
    assert labels_of(tmp_path, pa.array(cells, kind)) == (("2", "10"), wanted)


def test_several_labels_of_an_image_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"x.parquet, column 'label': \['a', 'b'\] is not one label"
    ):
        labels_of(tmp_path, pa.array([["a"], ["a", "b"]][::-1]))


def csv_of(path: Path, content: str) -> tuple[tuple[str, ...], list[str | None]]:
    (path / "x.csv").write_text(content)
    found = find(IngestParams(source="csv", path=path))
    return found.classes, [image.label for image in found.images]


def test_a_csv_written_by_pandas_with_a_label_missing(tmp_path: Path) -> None:
    frame = pd.DataFrame({"file": list("abc"), "label": [10, None, 2]})
    found = csv_of(tmp_path, frame.to_csv(index=False, na_rep="nan"))
    assert found == (("2", "10"), ["10", None, "2"])


def test_numbers_of_a_csv_keep_their_form_and_order(tmp_path: Path) -> None:
    content = "file,label\na,010\nb,2\nc,1\nd,\ne,  \nf"
    assert csv_of(tmp_path, content) == (("1", "2", "010"), ["010", "2", "1", None, None, None])


def test_splits_of_tables_as_people_write_them(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("file,label,split\na,x,Training\nb,x,TEST\nc,x,dev\nd,x,\n")
    assert [image.split for image in read("csv", tmp_path)] == ["train", "test", "validation", None]


@pytest.mark.parametrize("cell", ["./digit 0/0.png", "digit 0\\0.png", "digit 1/../digit 0//0.png"])
def test_paths_of_tables_have_one_spelling(folder_of_images: Path, cell: str) -> None:
    (folder_of_images / "x.csv").write_text(f"file,label\n{cell},a\n")
    (image,) = read("csv", folder_of_images)
    assert image.name == "digit 0/0.png"
    assert image.open().size == (8, 8)


def test_a_path_is_found_composed_or_not(folder_of_images: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "é.png")
    (folder_of_images / "digit 0" / "0.png").rename(folder_of_images / "digit 0" / decomposed)
    (folder_of_images / "x.csv").write_text("file,label\ndigit 0/é.png,a\n")
    (image,) = read("csv", folder_of_images)
    assert image.open().size == (8, 8)


def test_a_path_that_is_none_and_a_fifo(folder_of_images: Path) -> None:
    (folder_of_images / "x.csv").write_text("file,label\na/\0.png,a\n")
    with pytest.raises(UserError, match="row 1: .* is no path"):
        read("csv", folder_of_images)
    os.mkfifo(folder_of_images / "f.png")
    (folder_of_images / "x.csv").write_text("file,label\nf.png,a\n")
    (image,) = read("csv", folder_of_images)
    with pytest.raises(OSError, match="not a regular file"):
        image.open()


@pytest.mark.parametrize(
    "metadata",
    [
        b"{",
        b"null",
        b'{"info": null}',
        b'{"info": {"features": {"label": {"_type": "ClassLabel"}}}}',
    ],
)
def test_metadata_that_says_nothing(tmp_path: Path, metadata: bytes) -> None:
    rows = pa.table({"image": [png(1), png(2)], "label": [1, 0]})
    target = tmp_path / "x.parquet"
    pq.write_table(rows.replace_schema_metadata({b"huggingface": metadata}), target)
    if metadata == b"{":
        with pytest.raises(UserError, match="its metadata for `datasets` is broken"):
            read("parquet", tmp_path)
    else:
        assert [image.label for image in read("parquet", tmp_path)] == ["1", "0"]


def test_a_damaged_parquet_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = {"image": [rng.bytes(200) for _ in range(30)], "label": [0, 1] * 15}
    pq.write_table(pa.table(rows), tmp_path / "x.parquet")
    content = bytearray((tmp_path / "x.parquet").read_bytes())
    content[4:3000] = b"\xff" * 2996
    (tmp_path / "x.parquet").write_bytes(content)
    with pytest.raises(UserError, match="x.parquet is not a readable Parquet file"):
        read("parquet", tmp_path)


@pytest.mark.parametrize("source", ["csv", "parquet"])
def test_what_systems_leave_is_no_table(folder_of_images: Path, source: str) -> None:
    wanted = listing(folder_of_images)
    target = folder_of_images / f"list.{source}"
    wanted.to_csv(target, index=False) if source == "csv" else wanted.to_parquet(target)
    (folder_of_images / "__MACOSX").mkdir()
    for name in (f"._list.{source}", f"__MACOSX/list.{source}"):
        (folder_of_images / name).write_bytes(b"\0\5\x16\7")
    assert len(read(source, folder_of_images)) == len(wanted)


@pytest.mark.parametrize("source", ["csv", "parquet"])
def test_tables_in_folders_below_are_read(folder_of_images: Path, source: str) -> None:
    names = ["0.png", "1.png"]
    for place, column in ((".", [f"digit 0/{name}" for name in names]), ("digit 1", names)):
        frame = pd.DataFrame({"file": column, "label": ["a", "b"]})
        target = folder_of_images / place / f"t.{source}"
        frame.to_csv(target, index=False) if source == "csv" else frame.to_parquet(target)
    wanted = {f"digit {n}/{name}" for n in (0, 1) for name in names}
    assert {image.name for image in read(source, folder_of_images)} == wanted
    (only,) = {i.name.split("/")[0] for i in read(source, folder_of_images, files=f"t.{source}")}
    assert only == "digit 0"


@pytest.mark.parametrize("source", ["csv", "parquet"])
@pytest.mark.parametrize("name", [".cache/0.png", "._1.png", "__MACOSX/digit 0/0.png"])
def test_what_systems_leave_is_not_read_where_a_table_lists_it(
    folder_of_images: Path, source: str, name: str
) -> None:
    (folder_of_images / name).parent.mkdir(parents=True, exist_ok=True)
    (folder_of_images / "digit 1" / "0.png").rename(folder_of_images / name)
    folder = folder_of_images.rename(folder_of_images.parent / ".mine")  # which counts not
    frame = pd.DataFrame({"file": [name, "digit 0/1.png"], "label": ["a", "b"]})
    target = folder / f"t.{source}"
    frame.to_csv(target, index=False) if source == "csv" else frame.to_parquet(target)
    hidden, shown = read(source, folder)
    assert shown.open().size == (8, 8)
    assert hidden.name == name
    with pytest.raises(OSError, match="hidden, or left by a system"):
        hidden.open()


def test_an_ordered_category_keeps_its_order(tmp_path: Path) -> None:
    sizes = ["small", "medium", "large", "huge"]
    cells = pd.Categorical(["large", "small", None, "medium"], categories=sizes, ordered=True)
    frame = pd.DataFrame({"image": [png(n) for n in range(4)], "label": cells})
    frame.to_parquet(tmp_path / "x.parquet")
    found = find(IngestParams(source="parquet", path=tmp_path))
    assert found.classes == ("small", "medium", "large")
    assert [image.label for image in found.images] == ["large", "small", None, "medium"]


@pytest.mark.parametrize("cell", ["nan", "NaN", "<NA>", "", "NA", "N/A", "None", "null"])
def test_no_split_and_no_group_as_pandas_writes_them(tmp_path: Path, cell: str) -> None:
    (tmp_path / "x.csv").write_text(f"file,label,split,group\na.png,a,{cell},{cell}\n")
    (image,) = read("csv", tmp_path)
    assert (image.split, image.group) == (None, None)


def test_a_group_is_one_where_pandas_made_floats_of_its_numbers_in_another_file(
    tmp_path: Path,
) -> None:
    for name, groups in [("whole", [7, 8]), ("missing", [7, None])]:
        frame = pd.DataFrame({"file": [f"{name}{n}" for n in range(2)], "label": "a"})
        frame.assign(group=groups).to_csv(tmp_path / f"{name}.csv", index=False)
    assert [image.group for image in read("csv", tmp_path)] == ["7", None, "7", "8"]


@pytest.mark.parametrize("cell", ["7.0", "007"])
def test_groups_that_are_not_all_numbers_keep_their_form(tmp_path: Path, cell: str) -> None:
    (tmp_path / "x.csv").write_text(f"file,label,group\na,x,{cell}\nb,x,7b\n")
    assert [image.group for image in read("csv", tmp_path)] == [cell, "7b"]


def test_absolute_paths_are_named_from_the_table_s_folder(
    folder_of_images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folder_of_images / "digit 0" / "0.png"
    (folder_of_images / "x.csv").write_text(f"file,label\n{file},a\n")
    monkeypatch.chdir(folder_of_images.parent)
    for path in (folder_of_images, Path("images")):
        (image,) = read("csv", path)
        assert image.name == "digit 0/0.png"
        assert image.open().size == (8, 8)


@pytest.mark.parametrize("source", ["cells", "ClassLabel", "category"])
def test_names_of_classes_that_would_drive_a_terminal(tmp_path: Path, source: str) -> None:
    names = ["a\x1b]0;title\x07", "b\nc"]
    file = tmp_path / "images.parquet"
    images = [png(value) for value in range(4)]
    if source == "ClassLabel":
        hugging_face(file, names, [0, 1, 0, 1])
    else:
        kind = "category" if source == "category" else object
        labels = pd.Series([*names, *names], dtype=kind)
        pd.DataFrame({"image": images, "label": labels}).to_parquet(file)
    found = find(IngestParams(source="parquet", path=file))
    assert set(found.classes) == {"a\\x1b]0;title\\x07", "b\\nc"}
    assert {image.label for image in found.images} == set(found.classes)


def test_a_label_that_is_no_name(tmp_path: Path) -> None:
    frame = pd.DataFrame({"image": [png(1), png(2)], "label": ["a", "b" * 2_000]})
    frame.to_parquet(tmp_path / "images.parquet")
    with pytest.raises(UserError, match=r"'bbb.*'… has 2,000 characters: no name is so long"):
        find(IngestParams(source="parquet", path=tmp_path / "images.parquet"))


def test_what_was_generated_for_another_project_is_not_real(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (10, 1, 8, 8), np.uint8)
    origin = ["real"] * 6 + ["synthetic"] * 4
    labels = np.arange(10) % 2
    rows = table.encode(pixels, labels, ["a", "b"], split="train", origin=origin, group="")
    table.write(tmp_path / "t", [rows], ["a", "b"])
    found = find(IngestParams(source="parquet", path=tmp_path / "t"))
    images = list(found.images)
    assert len(images) == found.total == 6
    for image, wanted in zip(images, pixels[:6], strict=True):
        np.testing.assert_array_equal(np.asarray(image.open()), wanted[0])
    (file,) = (tmp_path / "t").glob("*.parquet")
    assert found.skipped == {"synthetic in its table": (4, f"{file.name}/00006")}


ORIGINS = "file,label,origin\na.png,x,real\nb.png,y,\nc.png,z,synthetic\nd.png,y,synthetic\n"


def test_rows_of_a_csv_that_were_generated(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(ORIGINS)
    found = find(IngestParams(source="csv", path=tmp_path))
    assert found.classes == ("x", "y")
    assert [image.name for image in found.images] == ["a.png", "b.png"]
    assert found.skipped == {"synthetic in its table": (2, "x.csv/00002")}


@pytest.mark.parametrize("kind", ["csv", "path", "category", "Hugging Face"])
def test_images_that_were_generated_by_their_names(tmp_path: Path, kind: str) -> None:
    paths = ["x/1.png", "x/1.synthetic.png", "y/2.png", "z/3.synthetic.png"]
    frame = pd.DataFrame({"image": paths, "label": list("xxyz")})
    if kind == "csv":
        frame.to_csv(tmp_path / "t.csv", index=False)
    elif kind == "Hugging Face":  # its folders of images keep their names
        cells = [{"bytes": png(n), "path": path} for n, path in enumerate(paths)]
        frame.assign(image=cells).to_parquet(tmp_path / "t.parquet")
    else:
        frame.astype({"image": "category"} if kind == "category" else {}).to_parquet(
            tmp_path / "t.parquet"
        )
    source = "csv" if kind == "csv" else "parquet"
    found = find(IngestParams(source=source, path=tmp_path))
    assert found.skipped == {"synthetic by their names": (2, "x/1.synthetic.png")}
    assert found.classes == ("x", "y")
    assert found.total == 2
    assert [image.label for image in found.images] == ["x", "y"]


def test_made_images_are_told_from_real_ones_where_that_is_the_question(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(ORIGINS)
    found = find(
        IngestParams.model_validate(
            {"source": "csv", "path": tmp_path, "columns": {"label": "origin"}}
        )
    )
    assert found.classes == ("real", "synthetic")
    assert found.total == 4
    assert not found.skipped


def test_a_table_of_generated_images_alone(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("file,label,origin\na.png,x,synthetic\n")
    with pytest.raises(UserError, match="x.csv: all images are synthetic in its table"):
        find(IngestParams(source="csv", path=tmp_path / "x.csv"))
    (tmp_path / "x.csv").write_text("file,label\na.synthetic.png,x\n")
    with pytest.raises(UserError, match="x.csv: all images are synthetic by their names"):
        find(IngestParams(source="csv", path=tmp_path / "x.csv"))


@pytest.mark.usefixtures("no_csv_may_be_read")
def test_a_table_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    with pytest.raises(UserError, match=r"a.csv cannot be read: Permission denied"):
        read("csv", tmp_path)
