import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gan_augment import table
from gan_augment.errors import UserError

CLASSES = ("cat", "Käfer", "犬")
N = 230


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    """Return images of noise, every tenth one the same."""
    images = np.random.default_rng(0).integers(0, 256, (N, 3, 5, 7), np.uint8)
    images[::10] = images[0]
    return images


@pytest.fixture(scope="module")
def path(pixels: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a table of three shards, of several row groups each."""
    folder = tmp_path_factory.mktemp("rows") / "table"
    labels = np.arange(N) % 3
    rows = table.encode(pixels, labels, CLASSES, split="train", origin="real", path="a.png")
    with table.Writer(folder, CLASSES, shard_rows=100) as writer:
        for start in range(0, N, 30):
            writer.append(rows.slice(start, 30))
    for shard in table.shards(folder):  # small row groups, as the writer makes them otherwise
        content = pq.read_table(shard)
        pq.write_table(
            content, shard, row_group_size=40, use_dictionary=["label"], compression="none"
        )
    return folder


def decoded(rows: table.Rows, numbers: "np.ndarray | range") -> np.ndarray:
    return np.stack([table.from_png(rows.png(int(number))) for number in numbers])


def test_any_order_gives_the_same_images(path: Path, pixels: np.ndarray) -> None:
    rows = table.Rows(table.shards(path))
    assert len(rows) == N
    for seed in (0, 1):
        order = np.random.default_rng(seed).permutation(N)
        np.testing.assert_array_equal(decoded(rows, order), pixels[order])


@pytest.mark.parametrize("options", [{"compression": "zstd"}, {"use_dictionary": ["image.bytes"]}])
def test_tables_that_another_tool_wrote(
    options: dict[str, object], path: Path, pixels: np.ndarray, tmp_path: Path
) -> None:
    settings = {"compression": "none", "use_dictionary": False, "row_group_size": 50, **options}
    pq.write_table(pa.concat_tables(table.scan(path)), tmp_path / "train-00000.parquet", **settings)
    order = np.random.default_rng(0).permutation(N)
    rows = table.Rows([tmp_path / "train-00000.parquet"])
    np.testing.assert_array_equal(decoded(rows, order), pixels[order])


def test_other_processes_read_too(path: Path, pixels: np.ndarray) -> None:
    rows = table.Rows(table.shards(path))
    rows.png(0)
    again = pickle.loads(pickle.dumps(rows))
    np.testing.assert_array_equal(decoded(again, range(N)), pixels)


FORKING = """
import multiprocessing, sys
from pathlib import Path
from gan_augment import table
rows = table.Rows(table.shards(Path(sys.argv[1])))
fork = multiprocessing.get_context("fork")
other = fork.Process(target=rows.png, args=(0,))
other.start()
other.join()
assert (rows._offsets[:40] > 0).all()
assert (rows._offsets[40:] == 0).all()
with fork.Pool(2) as pool:
    assert pool.map(rows.png, range(len(rows))) == [rows.png(number) for number in range(len(rows))]
"""


def test_forked_processes_read_and_what_one_found_the_others_know(path: Path) -> None:
    """Forked from a process that has run nothing else: this one may have threads."""
    subprocess.run([sys.executable, "-c", FORKING, str(path)], check=True, timeout=120)


def test_columns_are_read_without_pixels(path: Path) -> None:
    rows = table.Rows(table.shards(path))
    assert rows.columns(["label"])["label"].to_pylist() == [n % 3 for n in range(N)]
    everything = rows.columns()
    assert "image" not in everything.schema.names
    assert set(everything["source"].to_pylist()) == {"a.png"}
    with pytest.raises(UserError, match=r"train-00000.parquet has no column 'colour'"):
        rows.columns(["colour"])


def test_a_row_without_an_image(tmp_path: Path, path: Path) -> None:
    rows = pa.concat_tables(table.scan(path)).slice(0, 3)
    images = pa.array([rows["image"][0].as_py(), None, rows["image"][2].as_py()])
    rows = rows.set_column(
        0, rows.schema.field("image"), images.cast(rows.schema.field("image").type)
    )
    table.write(tmp_path / "gaps", [rows], CLASSES)
    gaps = table.Rows(table.shards(tmp_path / "gaps"))
    assert gaps.png(2) == table.Rows(table.shards(path)).png(2)
    with pytest.raises(UserError, match=r"row 1 of .*gaps has no image"):
        gaps.png(1)


def test_a_shard_that_was_cut_off(tmp_path: Path, path: Path) -> None:
    content = table.shards(path)[0].read_bytes()
    (tmp_path / "train-00000.parquet").write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=r"train-00000.parquet is not a readable Parquet file"):
        table.Rows([tmp_path / "train-00000.parquet"])


LIMITED = """
import json, resource, sys
import numpy as np
from gan_augment import load

data = load(sys.argv[1])
data.pixels(0)  # all that is imported and opened once
held = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmData"))
limit = 1024 * held + int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
order = np.random.default_rng(0).permutation(len(data))
total = sum(int(data.pixels(row)[0, 0, 0]) for row in order)
try:
    data.numpy()
    fits = True
except MemoryError:
    fits = False
print(json.dumps({"total": total, "fits": fits}))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux for its memory")
def test_a_table_larger_than_the_memory_that_is_left(tmp_path: Path) -> None:
    """All images in random order, with room for a quarter of them; arrays do not fit."""
    draw = np.random.default_rng(0)
    first = 0
    with table.Writer(tmp_path / "large", CLASSES) as writer:
        for _ in range(8):
            pixels = draw.integers(0, 256, (1000, 3, 64, 64), np.uint8)
            first += int(pixels[:, 0, 0, 0].sum())
            labels = np.arange(1000) % 3
            writer.append(table.encode(pixels, labels, CLASSES, split="train", origin="real"))
    size = sum(shard.stat().st_size for shard in table.shards(tmp_path / "large"))
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "large"), str(size // 4)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"total": first, "fits": False}
