"""How many minutes does each stage take on this machine, by the size of the images?

    taskset -c 0,1 python -m benchmarks.minutes                  # some hours on two cores
    python -m benchmarks.minutes --only "8 px" --share 0.02      # does everything run?

For each size `gan-augment init` makes a project with the settings that it finds suitable, whose
stages then run one after the other, timed from start to end. `--share` trains for that share of the
steps, multiplies the time of training, and ends there: what so short a training makes is of no use
to the other stages. Of a short training that is far too much, since what does not depend on steps
is multiplied as well; of hours it is about right. Prints Markdown.
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
from gan_augment.gan.recipe import recipe
from gan_augment.markdown import table as markdown
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
    """Return the minutes that each stage took."""
    minutes = {}
    for stage in stages(project):
        if stage.name == "train" and share < 1:
            _shorten(project, share)
        began = time.perf_counter()
        _call(["gan-augment", stage.name], project)
        minutes[stage.name] = (time.perf_counter() - began) / 60
        if stage.name == "train" and share < 1:
            return {**minutes, "train": minutes["train"] / share}
    return minutes


def _shorten(project: Path, share: float) -> None:
    """Have a project train for a share of its steps, and validate as often."""
    path = project / "params.yaml"
    settings = params.load(path)
    found = {name: project / "data" / name for name in ("real", "features")}
    shape = table.read(table.samples(found), "validation").pixels.shape[1:]
    whole = recipe(settings.train, shape[1:])  # channels, or all the features, are no size
    content = yaml.safe_load(path.read_text())
    content["train"]["steps"] = max(round(share * whole.steps), 2)
    content["train"]["eval_interval"] = max(round(share * whole.eval_interval), 1)
    path.write_text(yaml.safe_dump(content))


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
