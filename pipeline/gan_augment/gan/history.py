"""What training leaves behind: losses, scores, events; and what it must know to go on."""

import csv
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gan_augment.storage import write_json

Row = dict[str, Any]

EVENT_COLUMNS = ("step", "trouble", "words", "action")


@dataclass
class History:
    """The record of a run so far, saved with every checkpoint.

    Attributes:
        floor: the scores of the training images, and the CAS of guessing.
        losses: a row every few steps.
        validation: a row an evaluation.
        events: troubles, and what was done about them.
        labelled: the step from which on labels count in full; before it no trained model is kept.
        passed_over: steps of evaluations whose models are not kept: labels were still coming in, or
            they showed trouble.
        best: the row of the evaluation whose model is kept, if there was one.
        rollbacks: how many there were.
        learning_rate_scale, gamma_scale: what they made of the learning rate and of γ.
        stopped: why training ended early, if it did.
        start: a row a kind of Gaussian that training of features could start from.
        spread: a row a factor by which samples of features were spread, in the end.
    """

    floor: Row = field(default_factory=dict)
    losses: list[Row] = field(default_factory=list)
    validation: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    labelled: int = 0
    passed_over: list[int] = field(default_factory=list)
    best: Row | None = None
    rollbacks: int = 0
    learning_rate_scale: float = 1.0
    gamma_scale: float = 1.0
    stopped: str | None = None
    start: list[Row] = field(default_factory=list)
    spread: list[Row] = field(default_factory=list)

    def as_record(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self)

    def write(self, folder: Path) -> None:
        """Write floor.json, losses, validation, events and, of features, start and spread.csv.

        Unknown scores are blank. The last column of validation.csv says whether the model of the
        row is the one that is kept.
        """
        best = self.best["step"] if self.best else None
        validation = [{**row, "kept": row["step"] == best} for row in self.validation]
        write_json(folder / "floor.json", self.floor)
        _write(folder / "losses.csv", self.losses, list(self.losses[0]))
        _write(folder / "validation.csv", validation, list(validation[0]))
        _write(folder / "events.csv", self.events, list(EVENT_COLUMNS))
        for name, rows in (("start", self.start), ("spread", self.spread)):
            if rows:
                _write(folder / f"{name}.csv", rows, list(rows[0]))


def _write(path: Path, rows: list[Row], columns: list[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
