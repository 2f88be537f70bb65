"""How many minutes does each stage take on this machine, by the size of the images?

    taskset -c 0,1 python -m benchmarks.minutes                  # some hours on two cores
    python -m benchmarks.minutes --only "8 px" --share 0.02      # does everything run?

For each size `gan-augment init` makes a project with the settings that it finds suitable, whose
stages then run one after the other, timed from start to end. `--share` trains for that share of the
steps and for half of it, validates as often each time, takes what the difference says of a step for
all others, and ends there: what so short a training makes is of no use to other stages. Prints
Markdown.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

from benchmarks import script
from benchmarks.datasets import FOLDER
from gan_augment import params, table
from gan_augment.errors import UserError
from gan_augment.gan.recipe import networks, recipe
from gan_augment.markdown import table as markdown
from gan_augment.params import Recipe
from gan_augment.versions.graph import stages


class Case(NamedTuple):
    """A set of images at a size.

    Attributes:
        images: a folder in that of the data sets; None for the digits that are built in.
        settings: of the project, beside those that `init` finds.
    """

    images: str | None
    settings: Mapping[str, object]


PIXELS = {"embed.backbone": "none"}
CASES = {
    "8 px": Case(None, {}),
    "28 px": Case("fashion-mnist", {"ingest.limit": 250}),
    "64 px": Case("trashnet-150", {**PIXELS, "ingest.image_size": 64}),
    "128 px": Case("trashnet-150", {**PIXELS, "ingest.image_size": 128}),
    "features": Case("trashnet-150", {}),
}
TOLD = ("ingest", "embed", "train", "generate", "evaluate", "report", "assemble", "classifier")


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    datasets = options.data or Path(os.environ.get(FOLDER, ""))
    os.environ.update(DVC_NO_ANALYTICS="1", DO_NOT_TRACK="1")
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    rows = []
    for name in options.only:
        with tempfile.TemporaryDirectory() as folder:
            project = _project(CASES[name], datasets, Path(folder) / "project")
            minutes = _run(project, options.share)
            images = int(table.counts(project / "data/real").sum())
        rows.append([name, f"{images:,}", *_shown(minutes)])
        print(" ".join(rows[-1]), file=sys.stderr, flush=True)
    print(f"\nMinutes, {len(os.sched_getaffinity(0))} cores:\n")
    print(markdown(["images", "number", *TOLD, "all"], rows))


def _project(case: Case, datasets: Path, folder: Path) -> Path:
    """Return a project that is made for the images."""
    command = ["gan-augment", "init", str(folder)]
    if case.images:
        command += ["--images", str(datasets / case.images), "--in-place"]
    for key, value in case.settings.items():
        command += ["--set", f"{key}={value}"]
    _call(command, Path())
    return folder


def _run(project: Path, share: float) -> dict[str, float]:
    """Return the minutes that each stage took, up to a training that is shortened."""
    minutes = {}
    for stage in stages(project):
        if stage.name == "train" and share < 1:
            return {**minutes, "train": _estimated(project, share)}
        minutes[stage.name] = _timed(stage.name, project)
    return minutes


def _timed(stage: str, project: Path) -> float:
    """Return the minutes that a stage took."""
    began = time.perf_counter()
    _call(["gan-augment", stage], project)
    return (time.perf_counter() - began) / 60


def _estimated(project: Path, share: float) -> float:
    """Return the minutes of a whole training of all its networks."""
    path = project / "params.yaml"
    settings = params.load(path).train
    found = {name: project / "data" / name for name in ("real", "features")}
    size = table.read(table.samples(found), "validation").pixels.shape[2:]
    minutes = 0.0
    for name in networks(settings, size):
        whole = recipe(settings.model_copy(update={"network": name}), size)
        minutes += _estimated_of(whole, project, share)
    return minutes


def _estimated_of(whole: Recipe, project: Path, share: float) -> float:
    """Return those of one network, by a share of its steps and by half of that."""
    path = project / "params.yaml"
    before = path.read_text()
    content = yaml.safe_load(before)
    steps, minutes = [], []
    for part in (share / 2, share):
        steps.append(max(round(part * whole.steps), len(steps) + 1))
        content["train"]["network"], content["train"]["steps"] = whole.network, steps[-1]
        content["train"]["eval_interval"] = max(round(part * whole.eval_interval), 1)
        path.write_text(yaml.safe_dump(content))
        minutes.append(_timed("train", project))
    path.write_text(before)
    a_step = (minutes[1] - minutes[0]) / (steps[1] - steps[0])
    return minutes[1] + (whole.steps - steps[1]) * a_step


def _shown(minutes: Mapping[str, float]) -> list[str]:
    """Return the minutes of each stage and, if all ran, of all."""
    each = [f"{minutes[name]:.1f}" if name in minutes else "–" for name in TOLD]
    return [*each, f"{sum(minutes.values()):.1f}" if "–" not in each else "–"]


def _call(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.minutes")
    parser.add_argument("--data", type=Path, help="folder of fashion-mnist and trashnet-150")
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), metavar="CASE")
    parser.add_argument("--share", type=float, default=1.0, help="of the steps of training")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    script.run(main)
