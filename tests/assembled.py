"""A small data/augmented as `assemble` leaves it: digits, and SMOTE's where they are scarce."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gan_augment import table
from gan_augment.assemble import stage
from gan_augment.params import AssembleParams, Space
from gan_augment.synthesis.baselines import rows

MADE = 10
"""Synthetic rows of each scarce class."""
PLANNED = {str(number): MADE * (number % 2) for number in range(10)}


def assembled(
    folder: Path,
    digits: Path,
    verdict: Mapping[str, Any],
    features: Path | None = None,
    space: Space = "auto",
) -> Path:
    """Write data/augmented, and what it is made of, into a folder; return its path."""
    inputs = {
        "real": digits,
        "synthetic": folder / "data/synthetic",
        "memorisation": folder / "memorisation.json",
        "verdict": folder / "verdict.json",
        **({"features": features} if features else {}),
    }
    train = table.read(table.samples(inputs, space), "train")
    extra = MADE * (train.counts() == train.counts().min())
    with table.Writer(inputs["synthetic"], train.classes, space=train.space) as writer:
        for made in rows("smote", train, extra, 0):
            writer.append(made)
    provenance = {
        "real images": table.table_hash(digits),
        "synthetic images": table.table_hash(inputs["synthetic"]),
    }
    about = {"planned": PLANNED, **verdict, "provenance": provenance}
    inputs["verdict"].write_text(json.dumps(about))
    inputs["memorisation"].write_text('{"passed": true, "reasons": []}')
    stage.run(AssembleParams(), inputs, {"augmented": folder / "data/augmented"}, space=space)
    return folder / "data/augmented"
