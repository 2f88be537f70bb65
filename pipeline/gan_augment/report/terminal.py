"""The verdict as plain text."""

from collections import Counter
from pathlib import Path
from typing import Any

from gan_augment import table
from gan_augment.errors import UserError
from gan_augment.recipe import of
from gan_augment.report.ranking import ranked
from gan_augment.storage import read_record

VERDICT = "verdict.json"


def summary(verdict_file: Path, report: Path, augmented: Path) -> str:
    """Return a table of scores, the verdict's sentence and where to look further.

    Raises:
        UserError: there is no verdict yet, or it is of another version.
    """
    try:
        return _summary(verdict_file, report, augmented)
    except KeyError:
        raise UserError(
            f"{verdict_file} was made by another version of gan-augment: run `dvc repro`"
        ) from None


def _summary(verdict_file: Path, report: Path, augmented: Path) -> str:
    verdict = read_record(verdict_file, "overall", "classifiers")
    judges: dict[str, dict[str, Any]] = {**verdict["classifiers"], "mean": verdict["overall"]}
    arms = ranked(verdict["overall"], verdict["classifiers"])
    width = max(map(len, arms))
    lines = [
        "Balanced accuracy on the test images, %",
        " " * width + "".join(f"{name:>22}" for name in judges),
    ]
    for arm in arms:
        found = [judge["scores"].get(arm) for judge in judges.values()]
        scores = "".join(f"{'–':>22}" if s is None else f"{100 * s:22.1f}" for s in found)
        lines.append(f"{arm:<{width}}{scores}")
    lines += [
        "verdict".ljust(width) + "".join(f"{judge['verdict']:>22}" for judge in judges.values()),
        "",
        verdict["overall"]["sentence"],
        *(f"Caution: {caution}" for caution in verdict["overall"]["cautions"]),
        f"Best recipe on validation is {of(verdict).sentence}",
        *_ships(augmented / VERDICT),
        "",
        f"verdict            {verdict_file}",
        f"report             {report}",
        f"augmented dataset  {augmented}{_training_images(augmented)}",
    ]
    return "\n".join(lines)


def _ships(verdict_file: Path) -> list[str]:
    """Return what ships in a line, if it was put together."""
    if not verdict_file.exists():
        return []
    return [f"What ships: {read_record(verdict_file, 'ships')['ships']['sentence']}"]


def _training_images(augmented: Path) -> str:
    """Return how many real and synthetic images there are to train on, if the table is there."""
    if not augmented.exists():
        return ""
    rows = table.Rows(table.shards(augmented, "train")).columns(["origin"])
    origins = Counter(rows["origin"].to_pylist())
    synthetic = f"{origins['synthetic']:,}" if origins["synthetic"] else "no"
    return f": {origins['real']:,} real and {synthetic} synthetic images to train on"
