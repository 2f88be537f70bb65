"""Sources that unpack to more than memory holds: each is read by a process that may take little.

Some unpack to 50 GB; none may take 600 MB beyond the imports.
"""

import gzip
import json
import re
import struct
import tarfile
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from gan_augment.params import IngestParams
from tests import bounded
from tests.parquets import lie

ROOM = 600 * 2**20
FIRST = """
import json
from pathlib import Path
from gan_augment.ingest import stage
from gan_augment.params import IngestParams

def run(**params):
    params = IngestParams.model_validate(params)
    stage.run(params, {}, {"real": Path("real"), "report": Path("report")})

run(limit=20)
run(source="parquet", path="small.parquet", max_rejected=1)
run(source="archive", path="small.zip")
"""
BLANK = b"\0" * (2**27 - 1)


def zipped(target: Path, good: dict[str, bytes]) -> dict[str, Any]:
    """Five members of 128 MB."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in good.items():
            archive.writestr(name, content)
        for number in range(5):
            archive.writestr(f"a/bomb{number}.png", BLANK)
    return {"source": "archive"}


def tarred(target: Path, good: dict[str, bytes]) -> dict[str, Any]:
    """The same in a tar."""
    with gzip.open(target, "wb", compresslevel=1) as packed:
        for name, content in [*good.items(), *((f"a/bomb{n}.png", BLANK) for n in range(5))]:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            packed.write(member.tobuf() + content + bytes(-len(content) % 512))
    return {"source": "archive"}


def annotated(target: Path, good: dict[str, bytes]) -> dict[str, Any]:
    """Annotations of 640 MB."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in good.items():
            archive.writestr(name, content)
        with archive.open("notes.csv", "w", force_zip64=True) as notes:
            for _ in range(5):
                notes.write(BLANK)
    return {"source": "archive", "annotations": "notes.csv"}


def bzipped(target: Path, good: dict[str, bytes]) -> dict[str, Any]:
    """A member that says it has few bytes and unpacks to many."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_BZIP2) as archive:
        for name, content in good.items():
            archive.writestr(name, content, zipfile.ZIP_STORED)
        archive.writestr("a/bomb.png", BLANK)
    content = bytearray(target.read_bytes())
    sizes = struct.pack("<I", len(BLANK))
    for _ in range(2):
        at = content.rfind(sizes)
        content[at : at + 4] = struct.pack("<I", 100)
    target.write_bytes(content)
    return {"source": "archive"}


def dictionary(target: Path, good: dict[str, bytes]) -> dict[str, Any]:
    """Rows that share one value of 100 MB in a file of a few kilobytes."""
    images = pa.array([*good.values(), *[b"\0" * 10**8] * 12])
    table = pa.table({"image": images, "label": [n % 2 for n in range(len(images))]})
    pq.write_table(table, target, compression="brotli")
    return {"source": "parquet"}


def rows(target: Path, good: dict[str, bytes]) -> dict[str, Any]:
    """Rows of 60 MB each that do not compress much: they may be images."""
    draw = np.random.default_rng(0)
    noise = [draw.bytes(2**20) for _ in range(6)]
    images = [*good.values(), *(block * 60 for block in noise)]
    table = pa.table({"image": images, "label": [n % 2 for n in range(len(images))]})
    with pq.ParquetWriter(target, table.schema, use_dictionary=False) as writer:
        writer.write_table(table, row_group_size=4)
    return {"source": "parquet"}


def labels(target: Path, good: dict[str, bytes]) -> dict[str, Any]:
    """Labels of 100 MB."""
    names = pa.array(["a", "b"] * 15 + ["c" * 10**8] * 30)
    table = pa.table({"image": [*good.values(), *list(good.values())[:30]], "label": names})
    pq.write_table(table, target, compression="brotli")
    return {"source": "parquet"}


def lying(target: Path, good: dict[str, bytes]) -> dict[str, Any]:
    """Rows of 100 MB each, and a footer that says a thousand bytes of them all."""
    images = pa.array([*good.values(), *[b"\0" * 10**8] * 8])
    table = pa.table({"image": images, "label": [n % 2 for n in range(len(images))]})
    pq.write_table(table, target, compression="zstd", use_dictionary=False)
    group = pq.read_metadata(target).row_group(0)
    lie(target, group.column(0).total_uncompressed_size, 1000)
    return {"source": "parquet"}


def icons(target: Path, good: dict[str, bytes]) -> dict[str, Any]:
    """Icons that hold 169 million pixels, which Pillow decodes when it opens them."""
    noise = BytesIO()
    Image.new("1", (13_000, 13_000)).save(noise, "PNG")
    head = struct.pack("<HHHBBBBHHII", 0, 1, 1, 0, 0, 0, 0, 1, 32, len(noise.getvalue()), 22)
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in good.items():
            archive.writestr(name, content)
        for ending in ("ico", "png"):
            archive.writestr(f"a/bomb.{ending}", head + noise.getvalue())
    return {"source": "archive"}


def members(target: Path, good: dict[str, bytes]) -> dict[str, Any]:
    """A million members, all of them empty, in a zip whose end says that there are thirty."""
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in good.items():
            archive.writestr(name, content)
    content = target.read_bytes()
    at = content.rfind(b"PK\5\6")
    size, start = struct.unpack_from("<LL", content, at + 12)
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, 3, 20, *[0] * 8, 8, *[0] * 6)
    more = b"".join(entry + b"%08x" % number for number in range(10**6))
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 30, 30, size + len(more), start, 0)
    target.write_bytes(content[:start] + content[start : start + size] + more + end)
    return {"source": "archive", "max_images": 1000}


def headers(target: Path, good: dict[str, bytes]) -> dict[str, Any]:
    """The same in a tar."""
    with gzip.open(target, "wb", compresslevel=1) as packed:
        for name, content in good.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            packed.write(member.tobuf() + content + bytes(-len(content) % 512))
        for number in range(20_000):
            packed.write(tarfile.TarInfo(f"{number:08x}").tobuf())
    return {"source": "archive", "max_images": 1000}


def idx(target: Path, good: dict[str, bytes]) -> dict[str, Any]:
    """A thousand images of 49 million pixels each, in a file that ends after ten."""
    del good
    target.mkdir()
    with gzip.open(target / "train-labels-idx1-ubyte.gz", "wb") as packed:
        packed.write(bytes([0, 0, 8, 1]) + struct.pack(">I", 400) + bytes([0, 1] * 200))
    with gzip.open(target / "train-images-idx3-ubyte.gz", "wb", compresslevel=1) as packed:
        packed.write(bytes([0, 0, 8, 3]) + struct.pack(">III", 400, 7000, 7000))
        for _ in range(10):
            packed.write(bytes(49_000_000))
    return {"source": "idx"}


CASES: dict[str, tuple[Callable[[Path, dict[str, bytes]], dict[str, Any]], str]] = {
    "members.zip": (zipped, "done"),
    "members.tar.gz": (tarred, "done"),
    "annotated.zip": (annotated, "UserError: .* is not a readable archive .*more than 268,435,456"),
    "bzip2.zip": (bzipped, "done"),
    "dictionary.parquet": (dictionary, "done"),
    "rows.parquet": (rows, "done"),
    "labels.parquet": (labels, "UserError: .* column 'label' unpacks to [0-9,]+ bytes"),
    "lying.parquet": (lying, "UserError: .* column 'image' unpacks to [0-9,]+ bytes"),
    "icons.zip": (icons, "done"),
    "central.zip": (members, "UserError: .* has 4,000 members or more: raise ingest.max_images"),
    "headers.tar.gz": (headers, "UserError: .* has 4,000 members or more: raise ingest.max_images"),
    "idx": (idx, "UserError: .* ends before all that its header declares is read"),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Return what is said of each case."""
    here = tmp_path_factory.mktemp("memory")
    good = pictures()
    statements = {}
    for name, (make, _) in CASES.items():
        params = {"path": name, "max_rejected": 0.9, "image_size": 8, **make(here / name, good)}
        IngestParams.model_validate(params)
        statements[name] = f"run(**json.loads({json.dumps(params)!r}))"
    small = pa.table({"image": list(good.values()), "label": [n % 2 for n in range(30)]})
    pq.write_table(small, here / "small.parquet")
    with zipfile.ZipFile(here / "small.zip", "w") as archive:
        for name, content in good.items():
            archive.writestr(name, content)
    return bounded.said(here, FIRST, statements, ROOM)


def pictures() -> dict[str, bytes]:
    """Return thirty images of two classes, by name."""
    from gan_augment.table import png

    draw = np.random.default_rng(0)
    return {
        f"{'ab'[n % 2]}/{n}.png": png(draw.integers(0, 256, (1, 8, 8), np.uint8)) for n in range(30)
    }


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="asks Linux for its memory")
@pytest.mark.parametrize("name", CASES)
def test_what_would_fill_memory(said: Callable[[str], str], name: str) -> None:

    assert re.match(CASES[name][1], said(name)), said(name)
