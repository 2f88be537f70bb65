"""How fast ingestion is, against bare Pillow on the same images and cores, and how much memory.

    python benchmarks/ingest.py /path/to/datasets

The folder holds trashnet-150 (2,527 JPEGs) and fashion-mnist (60,000 idx images). Bare means: open,
convert, resize, drop, by a pool over all cores, of threads or of processes, whichever is faster;
the limit of whoever stores what comes out is the same with our encoder of PNG behind it.
Ours is the whole stage: it also checks, hashes, compares, splits, encodes, writes and reports. All
run in turn, round by round, and are compared within a round: other work on the machine slows all.
Memory is the peak of a process of its own and of its workers, added up.
"""

import argparse
import gzip
import io
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from benchmarks import script
from gan_augment import table
from gan_augment.ingest import stage
from gan_augment.params import IngestParams

CORES = len(os.sched_getaffinity(0))
CHUNK = 64
IDX_HEADER = 16


def resized(picture: Image.Image, mode: str, side: int) -> Image.Image:
    return picture.convert(mode).resize((side, side), Image.Resampling.LANCZOS)


def bare_files(side: int, files: Iterable[Path], encode: bool = False) -> None:
    for file in files:
        with Image.open(file) as picture:
            small = resized(picture, "RGB", side)
        if encode:
            table.png(table.channels_first(small))


def bare_arrays(side: int, images: Iterable[np.ndarray], encode: bool = False) -> None:
    for image in images:
        small = resized(Image.fromarray(image), "L", side)
        if encode:
            table.png(table.channels_first(small))


def bare_pngs(side: int, images: Iterable[bytes]) -> None:
    for image in images:
        resized(Image.open(io.BytesIO(image)), "L", side)


def pooled(pool: Executor, work: Callable[..., None], side: int, images: Sequence[object]) -> None:
    chunks = [images[start : start + CHUNK] for start in range(0, len(images), CHUNK)]
    list(pool.map(partial(work, side), chunks))


def ours(**params: object) -> None:
    with tempfile.TemporaryDirectory() as folder:
        outputs = {"real": Path(folder) / "real", "report": Path(folder) / "report"}
        stage.run(IngestParams.model_validate(params), {}, outputs)


def compare(title: str, count: int, runs: int, contestants: dict[str, Callable[[], None]]) -> None:
    rounds = []
    for _ in range(1 + runs):
        seconds = {}
        for name, work in contestants.items():
            began = time.perf_counter()
            with Path(os.devnull).open("w") as null, redirect_stdout(null), redirect_stderr(null):
                work()
            seconds[name] = time.perf_counter() - began
        rounds.append(seconds)
    print(f"{title}, {count:,} images, {CORES} cores, median of {runs} rounds", flush=True)
    for name in contestants:
        # The first round starts processes, of Pillow's pool and of ours.
        shares = sorted(seconds[name] / seconds["ingest"] for seconds in rounds[1:])
        middle = median(seconds[name] for seconds in rounds[1:])
        print(
            f"  {name:34} {count / middle:9,.0f} images/s   ingest runs at {median(shares):.2f} "
            f"of it ({shares[0]:.2f} to {shares[-1]:.2f})"
        )
    first = rounds[0]["ingest"]
    print(f"  {'ingest, first round':34} {count / first:9,.0f} images/s", flush=True)


def speed(datasets: Path, runs: int, threads: Executor, processes: Executor) -> None:
    files = sorted((datasets / "trashnet-150").rglob("*.jpg"))
    for side in (32, 64):
        compare(
            f"JPEG 150×150 → {side}×{side}",
            len(files),
            runs,
            {
                "Pillow, threads": partial(pooled, threads, bare_files, side, files),
                "Pillow, processes": partial(pooled, processes, bare_files, side, files),
                "Pillow, processes, then our PNG": partial(
                    pooled, processes, partial(bare_files, encode=True), side, files
                ),
                "ingest": partial(
                    ours, source="folder", path=datasets / "trashnet-150", image_size=side
                ),
            },
        )
    images = fashion(datasets)
    pngs = []
    for image in images:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "PNG")
        pngs.append(buffer.getvalue())
    source = {"source": "idx", "path": datasets / "fashion-mnist", "files": "train-*"}
    compare(
        "idx 28×28 → 32×32",
        len(images),
        runs,
        {
            "Pillow, threads, from arrays": partial(pooled, threads, bare_arrays, 32, images),
            "Pillow, threads, from PNG": partial(pooled, threads, bare_pngs, 32, pngs),
            "Pillow, processes, from PNG": partial(pooled, processes, bare_pngs, 32, pngs),
            "Pillow, processes, then our PNG": partial(
                pooled, processes, partial(bare_arrays, encode=True), 32, images
            ),
            "ingest": partial(ours, **source, image_size=32),
            "ingest, exact duplicates only": partial(
                ours, **source, image_size=32, duplicates={"near": None}
            ),
        },
    )


def fashion(datasets: Path) -> np.ndarray:
    with gzip.open(datasets / "fashion-mnist" / "train-images-idx3-ubyte.gz") as file:
        return np.frombuffer(file.read(), np.uint8, offset=IDX_HEADER).reshape(-1, 28, 28)


def memory(datasets: Path) -> None:
    """Print the peak memory of the whole set and of a tenth of it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for source, size, make in (("folder", 32, tenth_of_folder), ("idx", 28, tenth_of_idx)):
            whole = datasets / ("trashnet-150" if source == "folder" else "fashion-mnist")
            part = make(whole, folder / source)
            peaks = [peak(source, path, size) for path in (part, whole)]
            print(
                f"{source}: peak memory {peaks[0]:.0f} MB for a tenth of the images, "
                f"{peaks[1]:.0f} MB for all: {peaks[1] / peaks[0]:.2f} times as much"
            )


def tenth_of_folder(whole: Path, part: Path) -> Path:
    for number, file in enumerate(sorted(whole.rglob("*.jpg"))):
        if number % 10 == 0:
            target = part / file.relative_to(whole)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(file)
    return part


def tenth_of_idx(whole: Path, part: Path) -> Path:
    part.mkdir()
    for kind, header, size in (("images-idx3", IDX_HEADER, 28 * 28), ("labels-idx1", 8, 1)):
        with gzip.open(whole / f"train-{kind}-ubyte.gz") as file:
            content = bytearray(file.read(header + 7_000 * size))
        content[4:8] = (7_000).to_bytes(4, "big")
        (part / f"train-{kind}-ubyte").write_bytes(content)
    return part


def peak(source: str, path: Path, size: int) -> float:
    """Return the peak memory, in MB, of a process that ingests one source."""
    command = [sys.executable, __file__, str(path), "--measure", source, str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("datasets", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        source, size = arguments.measure
        ours(source=source, path=arguments.datasets, image_size=int(size))
        # What getrusage tells begins with the process that started this one.
        workers = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        statuses = [Path(f"/proc/{process}/status").read_text() for process in ["self", *workers]]
        print(sum(int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) for status in statuses) / 1024)
        return
    with ThreadPoolExecutor(CORES) as threads, ProcessPoolExecutor(CORES) as processes:
        speed(arguments.datasets, arguments.runs, threads, processes)
    memory(arguments.datasets)


if __name__ == "__main__":
    script.run(main)
