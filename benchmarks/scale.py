"""Do memory and speed stay as they are while sets grow? With generated pictures, 64×64 RGB.

    python -m benchmarks.scale                  # 10,000, 100,000 and 1,000,000 rows: 30 GB
    python -m benchmarks.scale --rows 10000 30000

Each size and each step is a process of its own: the table is written, its images are decoded into
the file that stages map, batches of training are read from it, and `load` iterates. Memory is the
peak of what a process and its workers hold themselves (RssAnon): pages of mapped files are the
system's, which takes them back when others need room. The clock stops while pictures are drawn.
"""

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
import torch

from benchmarks import script
from gan_augment import load, mapped, table
from gan_augment.gan.batches import Batches
from gan_augment.markdown import table as markdown

SIDE, CLASSES, CHUNK = 64, tuple("abcdefghij"), 1_000
BATCH, BATCHES, LOADED = 64, 500, 20_000
LOOK_S = 0.05


class Done(NamedTuple):
    """Images that a step went through, and seconds of it that are none of its own."""

    images: int
    aside: float = 0.0


def pictures(chunk: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images, smooth with some noise, that compress about as photographs do; and labels."""
    draw = np.random.default_rng(chunk)
    labels = draw.integers(len(CLASSES), size=CHUNK)
    coarse = draw.integers(0, 200, (CHUNK, 3, 9, 9)) + 5 * labels[:, None, None, None]
    smooth = torch.nn.functional.interpolate(
        torch.from_numpy(coarse).float(), (SIDE, SIDE), mode="bilinear"
    )
    noisy = smooth.numpy() + draw.normal(0, 4, (CHUNK, 3, SIDE, SIDE)).astype(np.float32)
    return noisy.clip(0, 255).astype(np.uint8), labels


def write(folder: Path, rows: int) -> Done:
    drawing = 0.0

    def parts() -> Iterator:
        nonlocal drawing
        for chunk in range(rows // CHUNK):
            began = time.perf_counter()
            pixels, labels = pictures(chunk)
            drawing += time.perf_counter() - began
            yield table.encode(pixels, labels, CLASSES, split="train", origin="real")

    table.write(folder / "real", parts(), CLASSES)
    return Done(rows, drawing)


def decode(folder: Path, rows: int) -> Done:
    mapped.read(folder / "real", "train", folder / "train")
    return Done(rows)


def batches(folder: Path, _: int) -> Done:
    images = mapped.read(folder / "real", "train", folder / "train")
    batches = Batches(images, BATCH, 64, 0, torch.device("cpu"))
    for number in range(BATCHES):
        batches[number]
    return Done(BATCH * BATCHES)


def loaded(folder: Path, rows: int) -> Done:
    data = load(folder / "real")
    chosen = np.random.default_rng(0).permutation(rows)[:LOADED]
    for row in chosen.tolist():
        data.pixels(row)
    return Done(len(chosen))


STEPS: dict[str, Callable[[Path, int], Done]] = {
    "write": write,
    "decode": decode,
    "batches": batches,
    "load": loaded,
}


@contextmanager
def watched() -> Iterator[list[int]]:
    """Yield the largest sum of bytes that this process and its workers have held so far."""
    peak, over = [0], threading.Event()

    def watch() -> None:
        me = psutil.Process()
        while not over.wait(LOOK_S):
            peak[0] = max(peak[0], sum(map(held, (me, *me.children(recursive=True)))))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()


def held(process: psutil.Process) -> int:
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in status.splitlines() if "RssAnon" in line) * 1024


def measure(step: str, folder: Path, rows: int) -> None:
    with watched() as peak:
        began = time.perf_counter()
        done = STEPS[step](folder, rows)
        took = time.perf_counter() - began - done.aside
    print(done.images / took, peak[0] / 2**20)


def size_of(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 2**30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--folder", type=Path, help="where there is room")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        step, folder, rows = options.measure
        measure(step, Path(folder), int(rows))
        return
    lines: list[dict[str, str]] = []
    for rows in options.rows:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            line: dict[str, str] = {"rows": f"{rows:,}"}
            for step in STEPS:
                command = [sys.executable, "-m", "benchmarks.scale", "--measure"]
                done = subprocess.run(
                    [*command, step, folder, str(rows)], capture_output=True, text=True, check=True
                )
                rate, peak = map(float, done.stdout.split()[-2:])
                line[step] = f"{rate:,.0f} images/s, {peak:,.0f} MiB"
            line["table, GiB"] = f"{size_of(Path(folder) / 'real'):.2f}"
            line["mapped, GiB"] = f"{size_of(Path(folder) / mapped.FOLDER):.2f}"
        lines.append(line)
        print(line, flush=True)
    print(markdown(list(lines[0]), [list(line.values()) for line in lines]))


if __name__ == "__main__":
    script.run(main)
