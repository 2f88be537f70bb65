"""How long does a study of six short replicates take, by where its work fans out?

    python -m benchmarks.engine                         # one local worker, two, a small Ray cluster
    GAN_AUGMENT_ENGINE=ray python -m benchmarks.engine  # the cluster that this machine is part of

Prints a line each: seconds, processor time of all that this process has started, and a hash of the
study, which is the same everywhere. The cluster of the first form is two machines of one CPU each
that run on this one: it shows what Ray costs, and nothing of what it gains.
"""

import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks import script
from gan_augment import params
from gan_augment.engine import ENGINE, local
from gan_augment.params import Params
from gan_augment.storage import digest
from gan_augment.study import study
from tests.ray_cluster import SETTINGS, started

REPLICATES = 6
SETTINGS_FILE = Path("params.yaml")


def short() -> Params:
    """Return the settings of the repository for a training of seconds, and a few classifiers."""
    shipped = params.load(SETTINGS_FILE)
    train = shipped.train.model_copy(update={"steps": 100, "eval_interval": 50})
    arms = {"arms": ("real", "smote", "gan"), "classifiers": ("k-nn", "logistic-regression")}
    evaluate = shipped.evaluate.model_copy(update={**arms, "tuning_repeats": 0})
    generate = shipped.generate.model_copy(update={"gates": ()})
    changed = {"train": train, "evaluate": evaluate, "generate": generate}
    return shipped.model_copy(update=changed)


def measure(where: str) -> None:
    """Run the study, and print what it took."""
    with tempfile.TemporaryDirectory() as name:
        outputs = {"study": Path(name, "study"), "scratch": Path(name, "scratch")}
        began, before = time.perf_counter(), spent()
        study.run(short(), REPLICATES, outputs)
        took, used = time.perf_counter() - began, spent() - before
        files = sorted(outputs["study"].iterdir())
        print(f"| {where} | {took:.0f} s | {used:.0f} s | {digest(*files)} |", flush=True)


def spent() -> float:
    """Return the processor time of this process and of all below it, in seconds."""
    here = psutil.Process()
    return sum(sum(one.cpu_times()[:4]) for one in (here, *here.children(recursive=True)))


@contextmanager
def environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Set variables while this lasts."""
    before = dict(os.environ)
    os.environ.update(settings)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def main() -> None:
    """Measure where the variable says, or on this machine in three ways."""
    if chosen := os.environ.get(ENGINE):
        measure(chosen)
        return
    for workers in (1, 2):
        local.cores = workers.__int__  # whatever this machine has
        measure(f"local, {workers} at once")
    with started() as cluster:
        ray = {**SETTINGS, ENGINE: "ray", "RAY_ADDRESS": cluster.address}
        with environment(ray):
            measure("Ray, two machines on this one")


if __name__ == "__main__":
    script.run(main)
