"""Readers of files of others: for each a whole file that a fuzzer damages, and who reads it."""

import gzip
import io
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from gan_augment import params as settings
from gan_augment import spreadsheet, storage, table
from gan_augment.classifier import model as classifier
from gan_augment.gan import model, warm_start
from gan_augment.ingest import stage
from gan_augment.params import IngestParams
from gan_augment.table import png
from gan_augment.versions import record

CONTENT = [np.random.default_rng(n).integers(0, 256, (3, 8, 8), np.uint8) for n in range(24)]
IMAGES = {f"{'ab'[n % 2]}/{n}.png": png(image) for n, image in enumerate(CONTENT)}
PICTURES = ("png", "jpg", "gif", "tif", "webp")


def warm_start_of(folder: Path) -> object:
    """Read a model to start from, one of the features that it says it makes."""
    space = storage.read_json(folder / "config.json")["space"]
    return warm_start.read(folder, table.FeatureSpace.of(space))


BUILT = {
    "model config": ("models/generator/config.json", model.load),
    "model weights": ("models/generator/generator.safetensors", model.load),
    "warm start": ("models/generator/discriminator.safetensors", warm_start_of),
    "classifier config": ("models/classifier/config.json", classifier.load),
    "classifier weights": ("models/classifier/model.safetensors", classifier.load),
    "table": ("data/real/train-00000.parquet", table.read),
}
"""Reader → a file that stages made, and what reads its folder."""


class Reader(NamedTuple):
    """A file that is whole at first, and what reads it; it may write below `out` beside it."""

    file: Path
    read: Callable[[], object]


def readers(root: Path, built: Path) -> Mapping[str, Callable[[], Reader]]:
    """Return a maker of each reader, in a folder of its own below `root`."""
    makers: dict[str, Callable[[Path], Reader]] = {
        **{f"image {name}": partial(_picture, name) for name in PICTURES},
        "zip": _zip,
        "tar": _tar,
        "csv": _csv,
        "parquet": _parquet,
        "idx": _idx,
        "params.yaml": _params,
        "record": _record,
        "spreadsheet": _spreadsheet,
        **{name: partial(_of_stage, built / file, read) for name, (file, read) in BUILT.items()},
    }
    return {name: partial(_made, make, root / name) for name, make in makers.items()}


def _made(make: Callable[[Path], Reader], folder: Path) -> Reader:
    folder.mkdir(parents=True)
    return make(folder)


def _ingest(folder: Path, **params: object) -> Callable[[], object]:
    """Return the reading of a source, in which most images may be damaged."""
    wanted = {
        "path": folder / "source",
        "max_rejected": 0.9,
        "image_size": 8,
        **params,
    }
    read = IngestParams.model_validate(wanted)
    outputs = {name: folder / "out" / name for name in ("real", "report")}
    return lambda: stage.run(read, {}, outputs)


def _folder(root: Path) -> None:
    for name, content in IMAGES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)


def _picture(ending: str, folder: Path) -> Reader:
    _folder(folder / "source")
    file = folder / "source" / "a" / f"fuzzed.{ending}"
    Image.open(io.BytesIO(IMAGES["a/0.png"])).save(file)
    return Reader(file, _ingest(folder, source="folder"))


def _zip(folder: Path) -> Reader:
    with zipfile.ZipFile(folder / "source", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in IMAGES.items():
            archive.writestr(name, content)
    return Reader(folder / "source", _ingest(folder, source="archive"))


def _tar(folder: Path) -> Reader:
    with tarfile.open(folder / "source", "w") as archive:
        for name, content in IMAGES.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return Reader(folder / "source", _ingest(folder, source="archive"))


def _csv(folder: Path) -> Reader:
    _folder(folder / "source")
    file = folder / "source" / "list.csv"
    file.write_text("file,label\n" + "".join(f"{name},{name[0]}\n" for name in IMAGES))
    return Reader(file, _ingest(folder, source="csv", path=file))


def _parquet(folder: Path) -> Reader:
    cells = {"image": list(IMAGES.values()), "label": [n % 2 for n in range(len(IMAGES))]}
    pq.write_table(pa.table(cells), folder / "source")
    return Reader(folder / "source", _ingest(folder, source="parquet"))


def _idx(folder: Path) -> Reader:
    root, count = folder / "source", len(CONTENT)
    root.mkdir()
    pixels = b"".join(image[0].tobytes() for image in CONTENT)
    content = bytes([0, 0, 8, 3]) + struct.pack(">III", count, 8, 8) + pixels
    (root / "train-images-idx3-ubyte").write_bytes(content)
    labels = bytes([0, 0, 8, 1]) + struct.pack(">I", count) + bytes([0, 1] * (count // 2))
    (root / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels, mtime=0))
    return Reader(
        root / "train-images-idx3-ubyte", _ingest(folder, source="idx", split={"given": "ignore"})
    )


def _params(folder: Path) -> Reader:
    file = folder / "params.yaml"
    file.write_text((Path(__file__).parents[2] / "params.yaml").read_text())
    return Reader(file, lambda: settings.load(file))


def _record(folder: Path) -> Reader:
    file = folder / "record.json"
    counts = {"classes": ["a", "b"], "counts": {"train": {"real": [1, 2]}}}
    file.write_text(storage.as_json({"verdict": "level", **counts}))
    return Reader(file, lambda: record.parse(file.read_bytes(), "v1.0.0"))


def _spreadsheet(folder: Path) -> Reader:
    file = folder / "repeats.csv"
    file.write_text("repeat,class,value\n" + "".join(f"{n},a,0.{n}\n" for n in range(20)))
    return Reader(file, lambda: spreadsheet.read(file, ["class"]))


def _of_stage(file: Path, read: Callable[[Path], object], folder: Path) -> Reader:
    for other in file.parent.iterdir():
        (folder / other.name).write_bytes(other.read_bytes())
    return Reader(folder / file.name, lambda: read(folder))
