"""Tables that others published: whatever is in them, it is read or refused in a sentence."""

import json
import re
import struct
import zlib
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from gan_augment import load, table
from gan_augment.errors import UserError
from tests import bounded
from tests.parquets import lie

N = 40
PIXELS = np.random.default_rng(0).integers(0, 256, (N, 1, 8, 8), np.uint8)
ROWS = table.encode(PIXELS, np.arange(N) % 2, ["a", "b"], split="train", origin="real")
USES: Mapping[str, Callable[[Path], object]] = {
    "frame": lambda path: load(path).frame,
    "numpy": lambda path: load(path).numpy(),
    "soft labels": lambda path: load(path).soft_labels,
    "features": lambda path: load(path).features,
    "stages": lambda path: (table.read(path), table.counts(path), table.table_hash(path)),
}


def put(folder: Path, rows: pa.Table, **options: Any) -> Path:
    folder.mkdir()
    pq.write_table(rows, folder / "train-00000.parquet", **options)
    return folder


def replaced(name: str, values: Any, kind: pa.DataType | None = None) -> pa.Table:
    """Return the rows with another column in the place of one."""
    place = ROWS.schema.get_field_index(name)
    kind = kind or ROWS.schema.field(name).type
    return ROWS.set_column(place, name, pa.array(values, kind))


def pictures(content: bytes) -> pa.Table:
    return replaced("image", [{"bytes": content, "path": None}] * N)


def saved(mode: str, kind: str) -> bytes:
    file = BytesIO()
    Image.fromarray(PIXELS[0, 0]).convert(mode).save(file, kind)
    return file.getvalue()


def blank(width: int, height: int) -> bytes:
    """Return a PNG of black pixels in a few kilobytes."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    packed = zlib.compress(bytes((1 + width) * height), 1)
    chunks = ((b"IHDR", header), (b"IDAT", packed), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


def described(names: Any) -> pa.Table:
    about = {"info": {"features": {"label": {"names": names}}}}
    return ROWS.replace_schema_metadata({"huggingface": json.dumps(about)})


def embedded(width: Any, kind: pa.DataType, lengths: int = 4) -> pa.Table:
    backbone = {"backbone": "x", "hash": "y", "width": width, "size": [8, 8]}
    about = {**ROWS.schema.metadata, b"backbone": json.dumps(backbone).encode()}
    rows = ROWS.append_column("features", pa.array([[0.5] * lengths] * N, kind))
    return rows.replace_schema_metadata(about)


FLOATS = pa.list_(pa.float32())
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n"
REFUSED: Mapping[str, tuple[pa.Table, str, str]] = {
    "no label": (ROWS.drop_columns(["label"]), "stages", "no column 'label'"),
    "no image": (ROWS.drop_columns(["image"]), "stages", "no column 'image'"),
    "no image in the frame": (ROWS.drop_columns(["image"]), "frame", "no column 'image.path'"),
    "labels beyond": (replaced("label", [2] * N), "frame", "none of its 2 classes"),
    "labels below": (replaced("label", [-1] * N), "stages", "none of its 2 classes"),
    "labels missing": (replaced("label", [None] * N), "stages", "none of its 2 classes"),
    "labels of text": (
        replaced("label", ["a"] * N, pa.string()),
        "frame",
        "'label' is not of int64",
    ),
    "labels of halves": (replaced("label", [0.5] * N, pa.float64()), "stages", "'label' is not of"),
    "images bare": (
        replaced("image", [b"x"] * N, pa.binary()),
        "stages",
        "'image' is not of struct",
    ),
    "soft of text": (
        replaced("soft_labels", ["x"] * N, pa.string()),
        "soft labels",
        "'soft_labels' is",
    ),
    "soft too long": (
        replaced("soft_labels", [[1.0] * 5] * N),
        "soft labels",
        "5 soft labels for 2",
    ),
    "names of text": (described("ab"), "frame", "names no classes"),
    "names a number": (described(5), "stages", "names no classes"),
    "wide": (embedded(10**12, FLOATS), "features", "not say of which backbone"),
    "of no width": (embedded(-1, FLOATS), "features", "not say of which backbone"),
    "of half a width": (embedded(4.0, FLOATS), "stages", "not say of which backbone"),
    "of another width": (embedded(5, FLOATS), "features", "'features' is not of fixed_size_list"),
    "EPS": (pictures(EPS), "numpy", "no PNG of ours"),
    "GIF": (pictures(saved("L", "GIF")), "stages", "no PNG of ours"),
    "rubbish": (pictures(b"\x89PNG\r\n\x1a\nx"), "numpy", "no PNG of ours"),
    "cut off": (pictures(saved("L", "PNG")[:-30]), "numpy", "cannot be decoded"),
    "palette": (pictures(saved("P", "PNG")), "numpy", "mode P, which no stage writes"),
    "transparent": (pictures(saved("LA", "PNG")), "stages", "mode LA, which no stage writes"),
    "no picture": (replaced("image", [None] * N), "stages", "no PNG of ours"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(tmp_path: Path, name: str) -> None:
    rows, use, message = REFUSED[name]
    path = put(tmp_path / "table", rows)
    with pytest.raises(UserError, match=message):
        USES[use](path)


def test_other_types_that_hold_the_same_are_read(tmp_path: Path) -> None:
    rows = replaced("label", [n % 2 for n in range(N)], pa.int32())
    place = rows.schema.get_field_index("id")
    rows = rows.set_column(place, "id", rows["id"].cast(pa.large_string()))
    data, plain = load(put(tmp_path / "table", rows)), load(put(tmp_path / "plain", ROWS))
    np.testing.assert_array_equal(data.numpy().images, plain.numpy().images)
    np.testing.assert_array_equal(data.labels, plain.labels)
    assert data.frame["id"].tolist() == plain.frame["id"].tolist()
    vectors = load(put(tmp_path / "features", embedded(4, FLOATS)))
    np.testing.assert_array_equal(vectors.features, np.full((N, 4), 0.5, np.float32))


@pytest.mark.parametrize("told", [-5, 39, 41, 10**8, 2**40, 2**62])
def test_rows_that_there_are_not(tmp_path: Path, told: int) -> None:
    path = put(tmp_path / "table", ROWS, use_dictionary=False)
    lie(path / "train-00000.parquet", N, told)
    for use in (USES["frame"], USES["stages"]):
        with pytest.raises(UserError, match="damaged|not a readable Parquet file"):
            use(path)


FIRST = """
from pathlib import Path
from gan_augment import load, table

def use(name):
    data = load(name)
    data.labels, data.frame, data.soft_labels
    data.numpy()

def stages(name):
    for _ in table.stream(Path(name)):
        pass

use("plain")
stages("plain")
"""
LARGE: Mapping[str, tuple[pa.Table, str]] = {
    "one text for all": (replaced("gates", ["x" * 2 * 10**7] * N), "its row group unpacks to"),
    "one list for all": (replaced("soft_labels", [[0.5] * 10**6] * N), "'soft_labels.* unpacks to"),
    "pixels": (pictures(blank(9000, 9000)), "9000×9000 pixels, mode L, which no stage writes"),
    "pixels beyond Pillow's": (pictures(blank(60_000, 4000)), "no PNG of ours"),
}


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="asks Linux for its memory")
def test_what_would_fill_memory(tmp_path: Path) -> None:
    put(tmp_path / "plain", ROWS)
    statements = {}
    for name, (rows, _) in LARGE.items():
        put(tmp_path / name, rows, compression="zstd")
        for use in ("use", "stages"):
            statements[f"{name}, {use}"] = f"{use}({name!r})"
    said = bounded.said(tmp_path, FIRST, statements, 400 * 2**20)
    for name, (_, message) in LARGE.items():
        for use in ("use", "stages"):
            found = said(f"{name}, {use}")
            assert re.match(f"UserError: .*{message}", found), found
