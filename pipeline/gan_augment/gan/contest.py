"""Several networks, of which validation keeps the one whose images add most to real ones."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from gan_augment import spreadsheet
from gan_augment.gan import environment
from gan_augment.gan.files import CONFIG
from gan_augment.gan.history import Row
from gan_augment.gan.loop import TrainingFailedError
from gan_augment.gan.selection import best_of
from gan_augment.params import Recipe
from gan_augment.storage import fingerprint, read_json, replace_directory
from gan_augment.temporary import scratch_of

COLUMNS = ("step", "lift", "lift_error", "cas", "cas_error", "kid", "near_copies")
Places = Mapping[str, Path]


def run(
    train: Callable[[Recipe, Places], None],
    settings: Mapping[str, Recipe],
    outputs: Places,
    *about: str,
) -> None:
    """Train each network, and keep the best of them and its history, with a table of all.

    Killed and started again, it goes on where it was. A network whose training fails is left out.

    Args:
        train: from settings and places, those of `outputs`, to files in them.
        settings: of each network, by name.
        outputs: `model`, `history` (with networks.csv besides) and `scratch`, as of the stage.
        about: what besides the settings decides what comes of it.

    Raises:
        UserError: all failed; or whatever `train` raises.
    """
    known = [one.model_dump_json() for one in settings.values()]
    rank, processes = environment.place()
    own = rank == 0
    known_as = fingerprint(*known, *about, str(processes))
    with scratch_of(outputs["scratch"], known_as, own) as scratch:
        places = {name: {key: scratch / name / key for key in outputs} for name in settings}
        # Looked up before any training, so that all processes see the same.
        missing = [name for name in settings if not _finished(places[name])]
        if own:
            print(
                f"train: {', then '.join(settings)}: the network whose images add most to real "
                "ones, on validation images, is kept",
                flush=True,
            )
        found = {name: _failure(train, settings[name], places[name]) for name in missing}
        failed = {name: error for name, error in found.items() if error}
        if len(failed) == len(settings):
            raise next(reversed(failed.values()))
        if own:
            rows = {name: _best(places[name]) for name in settings if name not in failed}
            _keep(rows, failed, places, outputs)


def _failure(
    train: Callable[[Recipe, Places], None], settings: Recipe, places: Places
) -> TrainingFailedError | None:
    """Train; return why that failed, if it did."""
    try:
        train(settings, places)
    except TrainingFailedError as error:
        return error
    return None


def _finished(places: Places) -> bool:
    return all(places[key].exists() for key in ("model", "history"))


def _best(places: Places) -> Row:
    best: Row = read_json(places["model"] / CONFIG)["training"]["best"]
    return best


def _keep(
    rows: Mapping[str, Row],
    failed: Mapping[str, TrainingFailedError],
    places: Mapping[str, Places],
    outputs: Places,
) -> None:
    """Take over the files of the best, and say why it is the best."""
    name = best_of(rows)
    with (
        replace_directory(outputs["model"]) as model,
        replace_directory(outputs["history"]) as history,
    ):
        shutil.copytree(places[name]["model"], model, dirs_exist_ok=True)
        shutil.copytree(places[name]["history"], history, dirs_exist_ok=True)
        lines = [{"network": other, **row} for other, row in rows.items()]
        spreadsheet.write(history / "networks.csv", pd.DataFrame(lines)[["network", *COLUMNS]])
    for other, error in failed.items():
        print(f"train: {other} is left out: {error}")
    told = "; ".join(f"{other} {_told(row)}" for other, row in rows.items())
    print(f"train: {name} is kept: {told}", flush=True)


def _told(row: Row) -> str:
    """Return what a network's images add, in points, or how far they are from real ones."""
    if row["lift"] is None:
        return f"KID {row['kid']}"
    return f"{100 * row['lift']:+.1f} points, standard error {100 * row['lift_error']:.1f}"
