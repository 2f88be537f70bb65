"""What ingestion found: tables for `dvc plots` and the report, and a contact sheet a class."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gan_augment import spreadsheet, table
from gan_augment.ingest.series import Series
from gan_augment.ingest.spool import Spooled
from gan_augment.ingest.summary import Summary
from gan_augment.sheet import contact_sheet
from gan_augment.storage import replace_directory, write_json
from gan_augment.subsample import subsample

SHEET_COLUMNS = 10
SHEET_ROWS = 4


def write(target: Path, summary: Summary, seal: str) -> None:
    """Write the folder of the report, atomically.

    It holds counts.csv (images of each class in each split), sizes.csv (of the sources, before
    resizing, and what that cost: see `Fitted.table`), channels.csv (mean and standard deviation of
    each channel in each split, in grey levels), clusters.csv (duplicates that were found and kept),
    series.csv (images that resemble a neighbour by name most), quarantine.csv (images that were
    left out, and why), skipped.csv (files that were not read and images that a setting left out,
    how many for which reason), doubts.csv (sentences), seal.json (the hash of the test split) and
    classes/ (sheets of training images).

    Args:
        target: the folder.
        summary: what was found.
        seal: `table.table_hash` of the test split.
    """
    images, classes, spooled = summary.images, summary.classes, summary.spooled
    named = images.assign(label=np.array(classes, object)[images["label"]])
    named = named.rename(columns={"name": "file", "label": "class"})
    rejects = pd.DataFrame(summary.rejects, columns=["file", "class", "reason"])
    unused = {f"not used ({setting})": found for setting, found in summary.unused.items()}
    skipped = [
        (number, reason, first)
        for reason, (number, first) in (summary.found.skipped | unused).items()
    ]
    with replace_directory(target) as folder:
        _csv(folder / "quarantine.csv", rejects)
        _csv(folder / "skipped.csv", pd.DataFrame(skipped, columns=["files", "reason", "first"]))
        _csv(folder / "doubts.csv", pd.DataFrame({"doubt": summary.doubts()}))
        _csv(folder / "counts.csv", _counts(named, classes))
        _csv(folder / "clusters.csv", _clusters(named))
        _csv(folder / "series.csv", _series(named, summary.series))
        _csv(folder / "sizes.csv", summary.fitted.table())
        _csv(folder / "channels.csv", _channels(spooled, images))
        write_json(folder / "seal.json", {"test": seal})
        (folder / "classes").mkdir()
        _sheets(folder / "classes", images, classes, spooled)


def _csv(target: Path, frame: pd.DataFrame) -> None:
    spreadsheet.write(target, frame, decimals=3)


def _counts(named: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    every = pd.MultiIndex.from_product([table.SPLITS, classes], names=["split", "class"])
    found = named.groupby(["split", "class"]).size()
    return found.reindex(every, fill_value=0).rename("images").reset_index()


def _clusters(named: pd.DataFrame) -> pd.DataFrame:
    """Return a line an image that has duplicates; those with one id have the same pixels."""
    several = named.groupby("cluster")["id"].transform("size") > 1
    columns = ["cluster", "file", "class", "split", "id"]
    return named.loc[several, columns].sort_values(["cluster", "file"])


def _series(named: pd.DataFrame, found: Series | None) -> pd.DataFrame:
    """Return a line an image that resembles a neighbour by name most."""
    rows, others = np.zeros((2, 0), np.int64) if found is None else found.pairs.T
    neighbours = named.loc[others, ["file", "split"]].add_prefix("neighbour_").to_numpy()
    frame = named.loc[rows, ["class", "file", "split"]].reset_index(drop=True)
    return frame.assign(**dict(zip(("neighbour", "neighbour_split"), neighbours.T, strict=True)))


def _channels(spooled: Spooled, images: pd.DataFrame) -> pd.DataFrame:
    """Return mean and standard deviation over all pixels of each channel in each split."""
    names = ["grey"] if spooled.channels == 1 else ["red", "green", "blue"]
    mean, square = (
        spooled.channel_levels(name, images.index.to_numpy()) for name in ("mean", "mean_square")
    )
    lines: list[dict[str, Any]] = []
    for split in table.SPLITS:
        here = (images["split"] == split).to_numpy()
        if here.any():
            level = mean[here].mean(axis=0)
            deviation = np.sqrt(square[here].mean(axis=0) - level**2)
            lines += (
                {"split": split, "channel": name, "mean": m, "deviation": d}
                for name, m, d in zip(names, level, deviation, strict=True)
            )
    return pd.DataFrame(lines)


def _sheets(folder: Path, images: pd.DataFrame, classes: Sequence[str], spooled: Spooled) -> None:
    """Save a sheet of some training images of each class: nobody is to look at held-out ones."""
    train = images[images["split"] == "train"]
    counts = np.full(len(classes), SHEET_COLUMNS * SHEET_ROWS)
    chosen = subsample(train["label"].to_numpy(), counts, 0, train["group"])
    shown = train.iloc[np.sort(chosen)]
    pngs = [png for part in spooled.pngs(shown.index.to_numpy()) for png in part]
    digits = len(str(len(classes) - 1))
    for label, name in enumerate(classes):
        mine = np.flatnonzero(shown["label"] == label)
        band = np.stack([table.from_png(pngs[i]) for i in mine])
        sheet = contact_sheet([band], SHEET_COLUMNS, [name])
        plain = re.sub(r"[^\w.-]+", "_", name)[:80]
        pixels = table.channels_first(sheet)
        (folder / f"{label:0{digits}d}-{plain}.png").write_bytes(table.png(pixels))
