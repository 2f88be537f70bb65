"""The GAN engine against a plain loop, torchgan, diffusion and the arithmetic limit.

    python -m benchmarks.gan_training            # marks at 2, 5 and 15 minutes: an hour and a half
    python -m benchmarks.gan_training --quick    # seconds of training each: does everything run?

All contestants learn the same 2,000 images of Fashion-MNIST on the same threads, one after another,
each in a process (and a peer in an environment) of its own. At each mark of training time they hand
in images, which one judge scores. Prints Markdown; `.scratch/benchmarks/gan_training.json` holds
the same and more.
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import script
from benchmarks.datasets import fashion_mnist
from benchmarks.goals import goals
from benchmarks.judge import Judge
from benchmarks.limit import matrix_product_rate
from benchmarks.race import CONTESTANTS, SCRATCH, Terms, folder_of, run
from benchmarks.tables import markdown
from gan_augment.storage import write_json

PER_CLASS = 200
RATES = {"bfloat16": torch.bfloat16, "float32": torch.float32}


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    marks = tuple(60 * minutes for minutes in sorted(options.minutes))
    terms = Terms(marks, options.per_class, options.threads, options.seed)
    torch.set_num_threads(terms.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    train, held_out = fashion_mnist(options.data, PER_CLASS, terms.seed)
    print("measuring matrix products and real images …", flush=True)
    judge = Judge(train, held_out, terms.seed)
    report: dict[str, Any] = {
        "machine": _machine(device, terms.threads),
        "terms": terms._asdict(),
        "features": judge.name,
        "flops_per_s": {name: matrix_product_rate(kind, device) for name, kind in RATES.items()},
        "real": {n: judge.score_real(train, n) for n in sorted({terms.per_class, PER_CLASS})},
        "contestants": {},
    }
    for name in options.contestants:
        result = run(name, train, terms)
        if "skipped" not in result:
            _complete(result, name, judge, report["flops_per_s"])
        report["contestants"][name] = result
        report["goals"] = goals(report["contestants"])
        write_json(SCRATCH / "gan_training.json", report)
    print("\n" + markdown(report))
    if options.quick:
        print("\nA quick run shows that everything works. Its numbers mean nothing.")


def _complete(result: dict[str, Any], name: str, judge: Judge, rates: Mapping[str, float]) -> None:
    """Add scores at each mark, and shares of the limit in either precision."""
    for mark in result["marks"]:
        with np.load(folder_of(name) / f"mark-{mark['mark']:g}.npz") as made:
            images, labels = made["images"], made["labels"]
        mark.update(judge.score(images, labels, conditional=result["conditional"]))
    flops_per_s = result["train_images_per_s"] * result["flops_per_image"]
    result["share"] = {precision: flops_per_s / rate for precision, rate in rates.items()}


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gan_training")
    parser.add_argument("--data", type=Path, help="folder with the training part of Fashion-MNIST")
    parser.add_argument("--minutes", type=float, nargs="+", default=[2, 5, 15], help="marks")
    parser.add_argument("--per-class", type=int, default=100, help="images to score of each class")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--contestants", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS), metavar="NAME"
    )
    parser.add_argument("--quick", action="store_true", help="seconds of training, few images")
    options = parser.parse_args(arguments)
    if options.quick:
        options.minutes, options.per_class = [0.05, 0.1], 2
    return options


def _machine(device: torch.device, threads: int) -> dict[str, Any]:
    gpu = torch.cuda.get_device_name() if device.type == "cuda" else "none"
    instructions = torch.backends.cpu.get_cpu_capability()
    return {"GPU": gpu, "instructions": instructions, "threads": threads}


if __name__ == "__main__":
    script.run(main)
