"""Contestants of `gan_training`, and how one is let run."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from benchmarks.environments import python_with
from gan_augment.storage import read_json, write_json
from gan_augment.table import Images

ROOT = Path(__file__).parents[1]
SCRATCH = ROOT / ".scratch" / "benchmarks"


class Contestant(NamedTuple):
    """A module of `benchmarks.contestants`.

    Attributes:
        title: for the table.
        packages: from PyPI, in an environment of its own; none: this project's environment.
        only_gpu: why it cannot run on a processor.
    """

    title: str
    packages: tuple[str, ...] = ()
    only_gpu: str = ""


CONTESTANTS = {
    "engine": Contestant("this engine"),
    "mlp": Contestant("this engine, `mlp`"),
    "plain": Contestant("the same model, plain loop"),
    "torchgan_acgan": Contestant("torchgan: ACGAN", ("torchgan==0.1.0",)),
    "diffusion": Contestant(
        "denoising-diffusion-pytorch",
        (
            "denoising-diffusion-pytorch==2.3.4",
            "accelerate==1.15.0",
            "einops==0.8.2",
            "ema-pytorch==0.8.3",
            "pytorch-fid==0.3.0",
        ),
    ),
    "lightweight_gan": Contestant(
        "lightweight-gan",
        (
            "lightweight-gan==1.2.1",
            "adabelief-pytorch==0.2.1",
            "einops==0.8.2",
            "kornia==0.9.0",
            "kornia-rs==0.2.0",
        ),
        only_gpu="since it refuses to be imported without CUDA",
    ),
}


class Terms(NamedTuple):
    """What is the same for all.

    Attributes:
        marks: seconds of training after which to hand in images, rising.
        per_class: images to hand in of each class.
        threads: CPU threads.
        seed: of everything random.
    """

    marks: tuple[float, ...]
    per_class: int
    threads: int
    seed: int


def run(name: str, train: Images, terms: Terms) -> dict[str, Any]:
    """Let a contestant train; return its result, or `skipped`, why there is none."""
    contestant, folder = CONTESTANTS[name], folder_of(name)
    if contestant.only_gpu and not torch.cuda.is_available():
        return {"skipped": contestant.only_gpu}
    try:
        python = _python(name, contestant.packages)
    except subprocess.CalledProcessError:
        return {"skipped": "since its packages could not be installed"}
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    np.savez(folder / "train.npz", images=train.pixels, labels=train.labels)
    write_json(folder / "task.json", {"classes": len(train.classes), **terms._asdict()})

    print(f"{name}: training for {duration(terms.marks[-1])} …", flush=True)
    log = folder / "log.txt"
    if _watch([python, "-m", f"benchmarks.contestants.{name}", folder], log, terms):
        last = (log.read_text().strip().splitlines() or ["no output"])[-1]
        print(f"{name}: failed, see {log}", flush=True)
        return {"skipped": f"since it failed ({last})"}
    result: dict[str, Any] = read_json(folder / "result.json")
    return result


def _python(name: str, packages: tuple[str, ...]) -> Path:
    if not packages:
        return Path(sys.executable)
    print(f"{name}: environment …", flush=True)
    return python_with(packages, SCRATCH / name / "venv")


def _watch(command: list[str | Path], log: Path, terms: Terms) -> int:
    """Run a command, saying when a mark is passed; return its exit status."""
    threads, waiting = str(terms.threads), list(terms.marks)
    settings = {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "TQDM_DISABLE": "1"}
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | settings, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            while process.poll() is None:
                time.sleep(0.5)
                while waiting and (log.parent / f"mark-{waiting[0]:g}.npz").exists():
                    print(f"  {duration(waiting.pop(0))}: images handed in", flush=True)
        finally:
            process.kill()
    return process.returncode


def folder_of(name: str) -> Path:
    """Return where a contestant finds its task and leaves its result."""
    return SCRATCH / name / "race"


def duration(seconds: float) -> str:
    """Say how long that is."""
    return f"{seconds / 60:g} min" if seconds >= 60 else f"{seconds:g} s"
