import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from torchvision.datasets import ImageFolder

from gan_augment import export as module
from gan_augment import table
from gan_augment.errors import UserError
from gan_augment.export import export
from gan_augment.ingest.sources import SOURCES
from gan_augment.params import IngestParams
from gan_augment.synthesis.baselines import BASELINES
from gan_augment.table import Images
from tests.conftest import CommandLine


@pytest.fixture(scope="module")
def augmented(tmp_path_factory: pytest.TempPathFactory, digits: Path) -> Path:
    """Return a table of real and synthetic rows."""
    real = table.read(digits, "train")
    made = BASELINES["smote"](real, np.full(10, 2), 0)
    extra = table.encode(
        made.pixels,
        made.labels,
        made.classes,
        split="train",
        origin="synthetic",
        method="smote",
        seed=0,
        index=list(range(20)),
        soft_labels=[list(row) for row in np.eye(10)[made.labels]],
    )
    path = tmp_path_factory.mktemp("export") / "augmented"
    table.write(path, [*table.scan(digits), extra], real.classes)
    return path


@pytest.fixture
def train(augmented: Path) -> Images:
    return table.read(augmented, "train")


def test_a_folder_is_read_by_torchvision(augmented: Path, train: Images, tmp_path: Path) -> None:
    export(augmented, tmp_path / "out", "folder")
    read = ImageFolder(str(tmp_path / "out" / "train"))
    assert (
        read.classes
        == list(train.classes)
        == json.loads((tmp_path / "out" / "classes.json").read_text())
    )
    pixels = {
        Path(path).stem: np.asarray(image)
        for (path, _), (image, _) in zip(read.samples, read, strict=True)
    }
    assert len(pixels) == len(set(train.rows["id"]))
    about = train.rows[["id", "origin"]].itertuples(index=False)
    for (identity, origin), image in zip(about, train.pixels, strict=True):
        name = f"{identity}.synthetic" if origin == "synthetic" else identity
        np.testing.assert_array_equal(pixels[name][..., 0], image[0])


def test_every_split_of_a_folder_numbers_classes_alike(
    train: Images, digits: Path, tmp_path: Path
) -> None:
    """Where one has none of a class, and where indices go by another order than directories do."""
    names = ("10", "a/b", "2", *"3456789")
    test = table.read(digits, "test")
    few = test.labels != 1
    soft = np.linspace(0, 1, 10).tolist()
    about = {"requested_label": [1] * len(train), "soft_labels": [soft] * len(train)}
    rows = [
        table.encode(train.pixels, train.labels, names, split="train", origin="real", **about),
        table.encode(test.pixels[few], test.labels[few], names, split="test", origin="real"),
    ]
    table.write(tmp_path / "odd", rows, names)
    path = tmp_path / "out"
    export(tmp_path / "odd", path, "folder")
    seen = [
        ImageFolder(str(path / split), allow_empty=True).class_to_idx for split in ("train", "test")
    ]
    told = json.loads((path / "classes.json").read_text())
    assert told == ["10", "2", *"3456789", "a/b"]
    directories = ["10", "2", *"3456789", "a_b"]
    assert seen == [{name: index for index, name in enumerate(directories)}] * 2
    with pytest.raises(FileNotFoundError, match="no valid file for the classes a_b"):
        ImageFolder(str(path / "test"))
    written = pq.read_table(path / "train" / "metadata.parquet").to_pandas()
    assert set(written["class"]) == set(told)
    assert set(written["requested_label"]) == {9}
    assert written["soft_labels"][0].tolist() == [soft[0], *soft[2:], soft[1]]
    found = SOURCES["folder"](IngestParams(source="folder", path=path))
    assert found.total == len(train) + few.sum()


@pytest.mark.parametrize("source", ["folder", "archive"])
def test_ingestion_takes_no_exported_image_that_is_synthetic_for_real(
    source: str, augmented: Path, digits: Path, tmp_path: Path
) -> None:
    path = tmp_path / "out"
    export(augmented, path, "folder")
    if source == "archive":
        path = Path(shutil.make_archive(str(tmp_path / "out"), "zip", path))
    found = SOURCES[source](IngestParams(source=source, path=path))
    names = [image.name for image in found.images]
    assert found.total == len(names) == len(table.Rows(table.shards(digits)))
    assert not [name for name in names if "synthetic" in name]
    assert found.skipped["synthetic by their names"][0] == 20


def test_a_folder_is_read_by_hugging_face_with_its_provenance(
    augmented: Path, train: Images, tmp_path: Path
) -> None:
    hf = pytest.importorskip("datasets")
    export(augmented, tmp_path / "out", "folder")
    read = hf.load_dataset(
        "imagefolder", data_dir=str(tmp_path / "out"), cache_dir=str(tmp_path / "cache")
    )
    assert set(read) == set(table.SPLITS)
    assert len(read["train"]) == len(train)
    assert read["train"].filter(lambda row: row["method"] == "smote").num_rows == 20


def test_exact_copies_have_files_of_their_own(train: Images, tmp_path: Path) -> None:
    """Three of each image, in row groups that end between them."""
    rows = np.repeat(np.arange(500), 3)
    sources = [f"{n}.jpg" for n in range(1500)]
    written = table.encode(
        train.pixels[rows],
        train.labels[rows],
        train.classes,
        split="train",
        origin="real",
        path=sources,
    )
    table.write(tmp_path / "copies", [written], train.classes)
    for _ in range(2):  # the second finds all there
        export(tmp_path / "copies", tmp_path / "out", "folder")
        about = pq.read_table(tmp_path / "out" / "train" / "metadata.parquet").to_pandas()
        assert about["source"].tolist() == sources
        files = [tmp_path / "out" / "train" / name for name in about["file_name"]]
        assert set(files) == set((tmp_path / "out").rglob("*.png"))
        assert len(set(files)) == 1500
        for file, row in zip(files, rows, strict=True):
            assert file.read_bytes() == table.png(train.pixels[row])
    identity = train.rows["id"][7]
    assert [file.stem for file in files[21:24]] == [identity, f"{identity}-2", f"{identity}-3"]


def test_webdataset_samples_keep_their_files_together(
    augmented: Path, train: Images, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SHARD_ROWS", 300)
    export(augmented, tmp_path / "out", "webdataset")
    shards = sorted((tmp_path / "out").glob("train-*.tar"))
    assert len(shards) > 1
    samples: dict[str, dict[str, bytes]] = {}
    for shard in shards:
        with tarfile.open(shard) as archive:
            for entry in archive:
                key, _, kind = entry.name.partition(".")
                samples.setdefault(key, {})[kind] = archive.extractfile(entry).read()
    assert len(samples) == len(train)
    sources = [
        cell["path"]
        for part in table.scan(augmented, "train")
        for cell in part["image"].to_pylist()
    ]
    assert None in sources
    assert len(set(sources)) > 1
    for sample, pixels, label, source in zip(
        samples.values(), train.pixels, train.labels, sources, strict=True
    ):
        about = json.loads(sample["json"])
        np.testing.assert_array_equal(table.from_png(sample["png"]), pixels)
        assert int(sample["cls"]) == label
        assert about["label"] == train.classes[label]
        assert about["id"] == table.pixel_hash(pixels)
        assert about["source"] == source


def test_npz_holds_all_and_lines_match(augmented: Path, train: Images, tmp_path: Path) -> None:
    export(augmented, tmp_path / "out", "npz")
    with np.load(tmp_path / "out" / "train.npz") as arrays:
        np.testing.assert_array_equal(arrays["images"], train.pixels[:, 0])
        np.testing.assert_array_equal(arrays["labels"], train.labels)
    lines = pd.read_csv(tmp_path / "out" / "train.csv", dtype={"label": str})
    assert lines["id"].tolist() == train.rows["id"].tolist()
    assert lines["label"].tolist() == [train.classes[label] for label in train.labels]
    assert lines["method"].dropna().tolist() == ["smote"] * 20


def test_npz_is_written_a_row_group_at_a_time(
    random_images: Callable[..., Images], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gan_augment.table.writer.ROW_GROUP_ROWS", 4)
    images = random_images(10, 2, (3, 5, 6))
    rows = table.encode(images.pixels, images.labels, images.classes, split="test", origin="real")
    table.write(tmp_path / "small", [rows], images.classes)
    monkeypatch.setattr(table, "read", lambda *_: pytest.fail("all in memory"))
    export(tmp_path / "small", tmp_path / "out", "npz")
    with np.load(tmp_path / "out" / "test.npz", allow_pickle=False) as arrays:
        assert arrays.files == ["labels", "images"]
        np.testing.assert_array_equal(arrays["images"], images.pixels.transpose(0, 2, 3, 1))
        np.testing.assert_array_equal(arrays["labels"], images.labels)


def test_images_of_different_sizes_are_no_array(
    random_images: Callable[..., Images], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gan_augment.table.writer.ROW_GROUP_ROWS", 4)
    both = [random_images(4, 2, (1, side, 5)) for side in (5, 6)]
    rows = [
        table.encode(one.pixels, one.labels, one.classes, split="test", origin="real")
        for one in both
    ]
    table.write(tmp_path / "sizes", rows, both[0].classes)
    with pytest.raises(UserError, match="images of different sizes: choose another --format"):
        export(tmp_path / "sizes", tmp_path / "out", "npz")
    assert not list((tmp_path / "out").glob("*test*"))


def seen(images: Images, path: Path, bare: str = "", backbone: str = "made-up") -> Path:
    """Write images as rows of features, every other one synthetic; rows of `bare` have no image."""
    space = table.FeatureSpace(backbone, "0" * 16, 3, (8, 8))
    order = np.argsort(np.arange(len(images)) % 2, kind="stable")
    parts = []
    for origin, chosen in zip(("real", "synthetic"), np.array_split(order, 2), strict=True):
        pngs = [None if origin == bare else table.png(image) for image in images.pixels[chosen]]
        parts.append(
            table.pack(
                images.labels[chosen],
                images.classes,
                split="train",
                origin=origin,
                space=space,
                id=[table.pixel_hash(image) for image in images.pixels[chosen]],
                image=pngs,
                path=[f"{row}.jpg" for row in chosen],
                features=list(np.ones((len(chosen), 3), np.float32)),
            )
        )
    with table.Writer(path, images.classes, space=space) as writer:
        for part in parts:
            writer.append(part)
    return path


@pytest.mark.parametrize("form", ["folder", "webdataset"])
def test_pictures_of_a_table_of_features(
    form: str, random_images: Callable[..., Images], tmp_path: Path
) -> None:
    """Its pictures are written, and what is known of them but the features."""
    images = random_images(6)
    export(seen(images, tmp_path / "seen"), tmp_path / "out", form)
    wanted = {table.png(image) for image in images.pixels}
    if form == "folder":
        about = pq.read_table(tmp_path / "out" / "train" / "metadata.parquet").to_pylist()
        found = {(tmp_path / "out" / "train" / row["file_name"]).read_bytes() for row in about}
    else:
        with tarfile.open(tmp_path / "out" / "train-000000.tar") as archive:
            content = {name: archive.extractfile(name).read() for name in archive.getnames()}
        about = [json.loads(text) for name, text in content.items() if name.endswith("json")]
        found = {png for name, png in content.items() if name.endswith("png")}
    assert found == wanted
    assert {row["source"] for row in about} == {f"{row}.jpg" for row in range(6)}
    assert {row["origin"] for row in about} == {"real", "synthetic"}
    assert not any("features" in row for row in about)


@pytest.mark.parametrize("form", ["folder", "webdataset"])
@pytest.mark.parametrize("bare", ["real", "synthetic"])
def test_rows_without_pictures_are_refused(
    form: str, bare: str, random_images: Callable[..., Images], tmp_path: Path
) -> None:
    source = seen(random_images(6), tmp_path / "seen", bare)
    with pytest.raises(UserError, match=f"--format {form} writes .* {bare} rows .* made-up: use"):
        export(source, tmp_path / "out", form)
    assert not (tmp_path / "out").exists()
    export(source, tmp_path / "out", "npz")
    with np.load(tmp_path / "out" / "train.npz") as arrays:
        assert arrays["features"].shape == (6, 3)


@pytest.mark.parametrize("form", ["folder", "webdataset"])
def test_a_row_that_lacks_its_image_is_refused(
    form: str, random_images: Callable[..., Images], tmp_path: Path
) -> None:
    images = random_images(3)
    pngs = [table.png(images.pixels[0]), None, table.png(images.pixels[2])]
    rows = table.pack(
        images.labels, images.classes, split="train", origin="real", id=list("abc"), image=pngs
    )
    table.write(tmp_path / "odd", [rows], images.classes)
    with pytest.raises(UserError, match="has rows without images"):
        export(tmp_path / "odd", tmp_path / "out", form)


@pytest.mark.parametrize("form", ["folder", "webdataset", "npz"])
def test_killed_it_goes_on_and_makes_nothing_twice(
    form: str, augmented: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(augmented, tmp_path / "whole", form)
    replace = module.replace_file
    written: list[str] = []

    def interrupted(target: Path):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(str(target.relative_to(tmp_path / "killed")))
        return replace(target)

    with monkeypatch.context() as patch:
        patch.setattr(module, "replace_file", interrupted)
        with pytest.raises(KeyboardInterrupt):
            export(augmented, tmp_path / "killed", form)
    before = {name: (tmp_path / "killed" / name).stat().st_mtime_ns for name in written}
    export(augmented, tmp_path / "killed", form)
    after = {name: (tmp_path / "killed" / name).stat().st_mtime_ns for name in written}
    for name in written:
        assert name.endswith("csv") or before[name] == after[name]
    names = {f.relative_to(tmp_path / "whole") for f in (tmp_path / "whole").rglob("*.*")}
    assert names == {f.relative_to(tmp_path / "killed") for f in (tmp_path / "killed").rglob("*.*")}
    for name in names:
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "killed" / name).read_bytes()


def test_exports_are_not_mixed(augmented: Path, digits: Path, tmp_path: Path) -> None:
    export(augmented, tmp_path / "out", "npz")
    for source, form in ((digits, "npz"), (augmented, "folder")):
        with pytest.raises(UserError, match="holds another export"):
            export(source, tmp_path / "out", form)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(UserError, match="is not empty"):
        export(augmented, tmp_path / "mine", "npz")


@pytest.mark.parametrize("form", ["folder", "webdataset", "npz"])
def test_exports_of_a_version_with_other_file_names_are_not_mixed(
    form: str, augmented: Path, tmp_path: Path
) -> None:
    export(augmented, tmp_path / "out", form)
    stamp = json.loads((tmp_path / "out" / "export.json").read_text())
    before = {"format": stamp["format"], "shards": stamp["shards"]}
    (tmp_path / "out" / "export.json").write_text(json.dumps(before))
    with pytest.raises(UserError, match="holds another export"):
        export(augmented, tmp_path / "out", form)


def test_exports_of_other_splits_and_backbones_are_not_mixed(
    random_images: Callable[..., Images], tmp_path: Path
) -> None:
    """Which show the same, row for row."""
    images, source = random_images(6), tmp_path / "table"
    for splits in (["train"] * 4 + ["test"] * 2, ["train"] * 3 + ["test"] * 3):
        rows = table.encode(
            images.pixels, images.labels, images.classes, split=splits, origin="real"
        )
        table.write(source, [rows], images.classes)
        out = tmp_path / str(splits.count("train"))
        export(source, out, "npz")
        export(source, out, "npz")
    with pytest.raises(UserError, match="holds another export"):
        export(source, tmp_path / "4", "npz")
    export(seen(images, source, backbone="one"), tmp_path / "seen", "npz")
    with pytest.raises(UserError, match="holds another export"):
        export(seen(images, source, backbone="other"), tmp_path / "seen", "npz")


@pytest.mark.parametrize("form", ["folder", "webdataset", "npz"])
def test_exports_of_other_names_and_provenance_are_not_mixed(
    form: str, random_images: Callable[..., Images], tmp_path: Path
) -> None:
    """Of the same images, with the same numbers as labels."""
    images, source = random_images(6), tmp_path / "table"

    def written(classes: tuple[str, ...], **columns: str) -> None:
        rows = table.encode(
            images.pixels, images.labels, classes, split="train", origin="real", **columns
        )
        table.write(source, [rows], classes)

    written(images.classes)
    export(source, tmp_path / "out", form)
    export(source, tmp_path / "out", form)
    renamed = tuple(f"new {name}" for name in images.classes)
    for classes, group in ((renamed, None), (images.classes, "one")):
        written(classes, **({"group": group} if group else {}))
        before = sorted((tmp_path / "out").rglob("*"))
        with pytest.raises(UserError, match="holds another export"):
            export(source, tmp_path / "out", form)
        assert sorted((tmp_path / "out").rglob("*")) == before


def test_a_file_is_no_folder_to_export_to(augmented: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("precious")
    with pytest.raises(UserError, match="--out .*/out: Not a directory: choose another folder"):
        export(augmented, tmp_path / "out", "npz")


def test_names_that_files_cannot_have(train: Images, tmp_path: Path) -> None:
    names = ("a/b", "..", "c:d", *"3456789")
    rows = table.encode(train.pixels, train.labels, names, split="train", origin="real")
    table.write(tmp_path / "odd", [rows], names)
    export(tmp_path / "odd", tmp_path / "out", "folder")
    assert {d.name for d in (tmp_path / "out" / "train").iterdir() if d.is_dir()} == {
        *("a_b", "_", "c_d"),
        *"3456789",
    }
    twins = ("a/b", "A:b", *"23456789")
    rows = table.encode(train.pixels, train.labels, twins, split="train", origin="real")
    table.write(tmp_path / "twins", [rows], twins)
    with pytest.raises(UserError, match="would share directories"):
        export(tmp_path / "twins", tmp_path / "other", "folder")


def test_a_class_with_too_long_a_name_for_a_directory(train: Images, tmp_path: Path) -> None:
    names = ("é" * 128, *"123456789")
    rows = table.encode(train.pixels, train.labels, names, split="train", origin="real")
    table.write(tmp_path / "long", [rows], names)
    with pytest.raises(UserError, match=r"class 'é+…' has too long a name .* another --format"):
        export(tmp_path / "long", tmp_path / "out", "folder")
    assert not (tmp_path / "out").exists()


def test_on_the_command_line(cli: CommandLine, augmented: Path, tmp_path: Path) -> None:
    places = ["--table", str(augmented), "--out", str(tmp_path / "out")]
    code, printed = cli("export", *places, "--format", "zip")
    assert code == 1
    assert "error: --format = 'zip': allowed: folder, webdataset, npz" in printed
    code, printed = cli("export", *places, "--format", "npz")
    assert code == 0
    assert "images in" in printed
