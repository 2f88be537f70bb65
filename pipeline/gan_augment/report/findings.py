"""What other stages found, as far as they ran: their folders, read for the page."""

from pathlib import Path
from typing import Any

import pandas as pd

from gan_augment import spreadsheet
from gan_augment.gan.files import CONFIG
from gan_augment.report import pictures
from gan_augment.report.curves import Curves, curves
from gan_augment.storage import read_record

LOSSES = {"loss_discriminator": "discriminator", "loss_generator": "generator"}
SCORES = (
    ({"cas": "CAS"}, "CAS: balanced accuracy of a classifier trained on the generator's images"),
    ({"kid": "KID of features", "kid_pixels": "KID of pixels"}, "KID: distance to real images"),
    (
        {"precision": "precision", "recall": "recall", "coverage": "coverage"},
        "Precision, recall, coverage",
    ),
)
MEASURES = {
    "kid": "KID",
    "fid": "FID",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
}
MOST_LINES = 50


def training(history: Path, model: Path) -> dict[str, Any] | None:
    """Return curves, events and the kept step of the training, if it left any."""
    losses, validation = _csv(history / "losses.csv"), _csv(history / "validation.csv")
    if losses is None and validation is None:
        return None
    config = _json(model / CONFIG, "network", "training") or {}
    trained = config.get("training", {})
    kept = (trained.get("best") or {}).get("step")
    drawn: list[Curves | None] = []
    if losses is not None:
        drawn.append(curves(losses, LOSSES, "Losses", kept))
    if validation is not None:
        drawn += [curves(validation, columns, title, kept) for columns, title in SCORES]
    return {
        "network": config.get("network"),
        "networks": _networks(history),
        "kept": kept,
        "stopped": trained.get("stopped"),
        "params": trained.get("params", {}),
        "environment": trained.get("environment", {}),
        "curves": [curve for curve in drawn if curve],
        "events": _records(_csv(history / "events.csv")),
        "samples": pictures.of_file(history / "samples" / f"step-{kept or 0:06d}.png"),
    }


def _networks(history: Path) -> list[dict[str, Any]]:
    """Return what the images of each network add, if there were several and it is known."""
    found = _csv(history / "networks.csv")
    return [] if found is None else _records(found.dropna(subset=["lift"]))


def synthesis(folder: Path) -> dict[str, Any] | None:
    """Return plan, accept rates, quality and closeness of the synthetic images, if known."""
    plan = _csv(folder / "plan.csv")
    if plan is None:
        return None
    gates = _csv(folder / "gates.csv")
    fidelity = (_json(folder / "fidelity.json", "overall") or {}).get("overall", {})
    return {
        "plan": _records(plan),
        "gates": None if gates is None or not len(gates) else _gates(gates),
        "fidelity": {kind: fidelity[kind] for kind in ("network", "pixels") if fidelity.get(kind)},
        "measures": MEASURES,
        "memorisation": _json(folder / "memorisation.json", "passed", "reasons"),
        "closest": pictures.of_file(folder / "closest.png"),
    }


def data(folder: Path) -> dict[str, Any] | None:
    """Return what ingestion found in the images, if it left a report."""
    counts = _csv(folder / "counts.csv")
    if counts is None:
        return None
    quarantine, clusters = (_csv(folder / f"{name}.csv") for name in ("quarantine", "clusters"))
    reasons = {} if quarantine is None else quarantine["reason"].value_counts().to_dict()
    return {
        "counts": counts.pivot_table("images", "class", "split", sort=False).astype(int),
        "images": int(counts["images"].sum()),
        "quarantine": _records(quarantine),
        "reasons": reasons,
        "clusters": 0 if clusters is None else int(clusters["cluster"].nunique()),
        "duplicates": _records(clusters),
        "doubts": [row["doubt"] for row in _records(_csv(folder / "doubts.csv"))],
        "sizes": _records(_csv(folder / "sizes.csv")),
        "channels": _records(_csv(folder / "channels.csv")),
        "most": MOST_LINES,
    }


def _gates(gates: pd.DataFrame) -> dict[str, Any]:
    """Return the accept rates by class, what the gates go by, and where that is nothing."""
    # What passed them all is the last column.
    names = sorted(gates["gate"].unique(), key=lambda name: bool(name == "all"))
    gates = gates.assign(word=gates["warning"].fillna("").str.partition(":")[0])
    asked = gates.dropna(subset="accuracy").drop_duplicates("gate")
    warned = gates.dropna(subset="warning").groupby(["gate", "warning"], sort=False)["class"]
    return {
        "names": names,
        "classes": [
            {
                "name": name,
                "tried": int(rows["tried"].max()),
                "cells": _records(rows.set_index("gate").reindex(names)[["rate", "word"]]),
            }
            for name, rows in gates.groupby("class", sort=False)
        ],
        "asked": _records(asked),
        "warnings": [
            {"gate": gate, "warning": warning, "classes": list(classes)}
            for (gate, warning), classes in warned
        ],
    }


def _csv(path: Path) -> pd.DataFrame | None:
    """Return a table if it is there; names are text, whatever they look like."""
    text = ("class", "file", "split", "reason", "warning")
    return spreadsheet.read(path, text) if path.exists() else None


def _json(path: Path, *keys: str) -> dict[str, Any] | None:
    return read_record(path, *keys) if path.exists() else None


def _records(frame: pd.DataFrame | None) -> list[dict[str, Any]]:
    if frame is None:
        return []
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]
