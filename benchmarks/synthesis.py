"""How fast synthetic images reach the disk, and what gates and metrics cost.

    python -m benchmarks.synthesis                # ten minutes on two cores
    python -m benchmarks.synthesis --images 512   # a minute: does everything run?

A residual generator for 28×28 Fashion-MNIST, trained for a moment (its speed is that of a good
one). In one run, on the same cores: its bare forward pass; drawing into an image table; saving one
PNG a file with torchvision's `save_image`, as StudioGAN does; the gates; the search for nearest
neighbours beside scikit-learn's; PRDC and KID beside the packages `prdc` and `torch-fidelity` on
the same features. Each time is the best of some runs. Prints Markdown.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torchvision.utils import save_image

from benchmarks import script
from benchmarks.datasets import fashion_mnist
from benchmarks.experiment import train
from gan_augment import table
from gan_augment.gan import model
from gan_augment.gan.sampling import BLOCK
from gan_augment.gan.stage import shape_of
from gan_augment.metrics.fidelity import kernel_distance, precision_recall_density_coverage
from gan_augment.metrics.memorisation import nearest
from gan_augment.params import GenerateParams, TrainParams
from gan_augment.synthesis import gates
from gan_augment.synthesis.gates.evidence import Evidence
from gan_augment.synthesis.sampler import Sampler
from gan_augment.table import Images

PER_CLASS = 200
NEIGHBOURS, QUERIES, FEATURES = 5_000, 50_000, 64
KERNEL_ROWS = 5_000


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images, held_out = fashion_mnist(options.data, PER_CLASS, 0)
        trained = _model(images, folder / "model", options.steps)
        if options.measure:
            _draw(trained, options.measure, folder)
            # Of this program alone; what getrusage tells begins with the process that started it.
            status = Path("/proc/self/status").read_text()
            print(int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024)
            return
        print("| what | measured | goal |\n|---|---:|---|")
        _to_disk(trained, options.images, options.runs, folder)
        _gates(trained, images, held_out, folder)
        _memory(options)
        _metrics(options.runs)


def _to_disk(trained: model.Model, count: int, runs: int, folder: Path) -> None:
    """Compare the table with the bare forward pass, and with files."""
    bare, ours, files = _race(
        runs,
        lambda: [_forward(trained) for _ in range(0, count, BLOCK)],
        lambda: _draw(trained, count, folder),
        lambda: _save_files(trained, count, folder / "files"),
    )
    saving = files - bare
    _row("bare forward pass", f"{count / bare:,.0f} images/s")
    _row("into an image table", f"{count / ours:,.0f} images/s")
    _row("into one PNG a file", f"{count / files:,.0f} images/s")
    _row("table over bare forward pass", f"{bare / ours:.2f}", "≥ 0.7")
    _row("table over files, drawing and saving", f"{files / ours:.2f}", "≥ 2")
    _row("table over files, saving alone", f"{saving / max(ours - bare, 1e-9):.1f}")


def _gates(trained: model.Model, images: Images, held_out: Images, folder: Path) -> None:
    """Time each gate on a block of candidates, beside drawing and encoding them."""
    evidence = Evidence(images, held_out, trained, 0.95, 0, folder)
    judges = gates.fit(list(gates.GATES), evidence)
    count = 8 * BLOCK
    indices = np.arange(count)
    began = time.perf_counter()
    pixels = trained.draw(0, range(count), 0)
    table.encode(pixels, np.zeros(count, np.int64), images.classes, split="train", origin="x")
    drawing = time.perf_counter() - began
    began = time.perf_counter()
    candidates = evidence.candidates(0, 0, indices, pixels)
    spent = {"look": time.perf_counter() - began}
    for name, judge in judges.items():
        began = time.perf_counter()
        judge(candidates, np.ones(count, bool))
        spent[name] = time.perf_counter() - began
    whole = drawing + sum(spent.values())
    shares = ", ".join(f"{name} {seconds / whole:.0%}" for name, seconds in spent.items())
    _row(
        "share of all gates in drawing, judging, encoding", f"{1 - drawing / whole:.0%} ({shares})"
    )


def _memory(options: argparse.Namespace) -> None:
    """Compare the peak memory of two processes, one with ten times the images."""
    few, many = (_peak(options, n) for n in (options.images, 10 * options.images))
    _row(
        f"peak memory, {10 * options.images:,} over {options.images:,} images", f"{many / few:.2f}"
    )


def _peak(options: argparse.Namespace, images: int) -> float:
    command = [sys.executable, "-m", "benchmarks.synthesis", "--measure", str(images)]
    command += ["--steps", "1", *(["--data", str(options.data)] if options.data else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


def _metrics(runs: int) -> None:
    """Time searches and distances, and compare the values."""
    from prdc import compute_prdc
    from sklearn.neighbors import NearestNeighbors
    from torch_fidelity.metric_kid import kid_features_to_metric

    draw = np.random.default_rng(0)
    queries, references = (draw.normal(size=(n, FEATURES)) for n in (QUERIES, NEIGHBOURS))
    searcher = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(references)
    ours, theirs = _race(
        runs, lambda: nearest(queries, references), lambda: searcher.kneighbors(queries)
    )
    same = (nearest(queries, references).indices == searcher.kneighbors(queries)[1][:, 0]).all()
    _row(
        f"nearest of {NEIGHBOURS:,} for {QUERIES:,}, scikit-learn's time over ours",
        f"{theirs / ours:.2f} ({ours:.1f} s; {'same' if same else 'OTHER'} neighbours)",
    )

    real, made = queries[:KERNEL_ROWS], references[:KERNEL_ROWS] + 0.1
    ours, theirs = _race(
        runs,
        lambda: precision_recall_density_coverage(real, made),
        lambda: _silent(lambda: compute_prdc(real, made, 5)),
    )
    found = precision_recall_density_coverage(real, made)._asdict()
    other = _silent(lambda: compute_prdc(real, made, 5))
    apart = max(abs(found[name] - other[name]) for name in found)
    _row(
        "PRDC, the package's time over ours",
        f"{theirs / ours:.2f} (values {apart:.0e} apart)",
        "≥ 1",
    )

    settings = {"kid_subsets": 100, "kid_subset_size": 1000, "verbose": False}
    tensors = torch.from_numpy(real), torch.from_numpy(made)
    ours, theirs = _race(
        runs,
        lambda: kernel_distance(real, made),
        lambda: kid_features_to_metric(*tensors, **settings),
    )
    value = kernel_distance(real, made)
    theirs_value = kid_features_to_metric(*tensors, **settings)["kernel_inception_distance_mean"]
    _row(
        "KID, the package's time over ours",
        f"{theirs / ours:.2f} (ours {value:.5f}, theirs {theirs_value:.5f}: other subsets)",
        "≥ 1",
    )


def _race(runs: int, *contestants: Callable[[], Any]) -> list[float]:
    """Return the best time of each, in seconds, run in turn."""
    best = [float("inf")] * len(contestants)
    for _ in range(runs):
        for number, work in enumerate(contestants):
            began = time.perf_counter()
            work()
            best[number] = min(best[number], time.perf_counter() - began)
    return best


def _forward(trained: model.Model) -> torch.Tensor:
    z = torch.randn(BLOCK, trained.shape.latent_dim)
    with torch.no_grad():
        images: torch.Tensor = trained.generator(z, torch.zeros(BLOCK, dtype=torch.int64))
    return images


def _draw(trained: model.Model, count: int, folder: Path) -> None:
    """Draw into an image table, as the stage does without gates."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        sampler = Sampler(trained, GenerateParams(), None, {}, Path(name) / "scratch")
        table.write(Path(name) / "synthetic", sampler.rows(0, count), trained.classes)


def _save_files(trained: model.Model, count: int, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for start in range(0, count, BLOCK):
        for number, image in enumerate(_forward(trained)):
            save_image((image + 1) / 2, folder / f"{start + number}.png")


def _model(images: Images, folder: Path, steps: int) -> model.Model:
    """Train for a moment, and return the model as it comes from disk."""
    done = train(
        images, TrainParams(network="resnet", steps=steps), threads=torch.get_num_threads()
    )
    folder.mkdir()
    trainer = done.trainer
    model.save(
        folder,
        trainer.ema,
        trainer.discriminator,
        network="resnet",
        shape=shape_of(images, done.settings),
        classes=images.classes,
        training={},
    )
    return model.load(folder)


def _silent(work: Callable[[], Any]) -> Any:
    """Run what prints."""
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()):
        return work()


def _row(what: str, measured: str, goal: str = "") -> None:
    print(f"| {what} | {measured} | {goal} |", flush=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.synthesis")
    parser.add_argument("--data", type=Path, help="folder with the training part of Fashion-MNIST")
    parser.add_argument("--images", type=int, default=4096)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--steps", type=int, default=200, help="of training the generator")
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    script.run(main)
