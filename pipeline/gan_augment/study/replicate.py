"""A replicate: the stages from ingestion to evaluation once more, in a folder of their own."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from gan_augment import spreadsheet, table
from gan_augment.engine import side_by_side
from gan_augment.errors import UserError
from gan_augment.lock import locked
from gan_augment.params import Params
from gan_augment.progress import LINE
from gan_augment.storage import digest, read_json, write_text

if TYPE_CHECKING:
    import pyarrow as pa

STAGES = ("embed", "train", "generate", "evaluate")
"""What is not run again if it was finished with the same images."""
LOG = "log.txt"
LAST_BYTES = 1_000
"""Where at the end of a log it says how far it is."""
PATIENCE_S = 10.0
"""Seconds that processes of a killed study are given to end."""


class Replicate:
    """Stages in `folder`, from `params`; where these leave the threads open, training takes one.

    Ingestion always runs; what follows is not run again if it was finished with the same images. A
    stage that was killed goes on where it was, as it does by itself.
    """

    def __init__(self, params: Params, folder: Path) -> None:
        train = params.train.model_copy(update={"threads": params.train.threads or 1})
        self.params, self.folder = params.model_copy(update={"train": train}), folder
        self.real = folder / "real"
        self.ingest_report = folder / "ingest"
        self.features = folder / "features"
        self.model = folder / "generator"
        self.history = folder / "training"
        self.synthetic = folder / "synthetic"
        self.draws = folder / "draws"
        self.synthesis = folder / "synthesis"
        self.reports = folder / "reports"

    def run(self) -> None:
        """Run what is not finished.

        Raises:
            UserError: of a stage; names the replicate.
        """
        self.ingest()
        images = table.table_hash(self.real)
        for stage in STAGES:
            done = self.folder / f"{stage}.done"
            if done.exists() and done.read_text() == images:
                continue
            done.unlink(missing_ok=True)
            with _named(self.folder):
                getattr(self, stage)()
            write_text(done, images)

    @property
    def finished(self) -> bool:
        """Whether all of it was, if the images are what they were."""
        return all((self.folder / f"{stage}.done").exists() for stage in STAGES)

    def ingest(self) -> None:
        """Make the image table of real images.

        Raises:
            UserError: of the stage; names the replicate.
        """
        from gan_augment.ingest import stage

        with _named(self.folder):
            stage.run(self.params.ingest, {}, {"real": self.real, "report": self.ingest_report})

    def embed(self) -> None:
        """Look at the images through the backbone."""
        from gan_augment.embed import stage

        outputs = {"features": self.features, "scratch": self._scratch("embed")}
        stage.run(self.params.embed, {"real": self.real}, outputs)

    def train(self) -> None:
        """Train the generator."""
        from gan_augment.gan import stage
        from gan_augment.synthesis import plan

        plan.check(self.params.generate, self.real)
        outputs = {"model": self.model, "history": self.history, "scratch": self._scratch("train")}
        inputs = {"real": self.real, "features": self.features}
        stage.run(self.params.train, inputs, outputs, self.params.generate.space)

    def generate(self) -> None:
        """Make the synthetic images."""
        from gan_augment.synthesis import stage

        outputs = {
            "synthetic": self.synthetic,
            "draws": self.draws,
            "report": self.synthesis,
            "scratch": self._scratch("generate"),
        }
        inputs = {"real": self.real, "features": self.features, "model": self.model}
        stage.run(self.params.generate, inputs, outputs, self.params.evaluate.sets)

    def evaluate(self) -> None:
        """Compare the arms."""
        from gan_augment.evaluation import stage

        inputs = {
            "real": self.real,
            "features": self.features,
            "ingest": self.ingest_report,
            "model": self.model,
            "synthetic": self.synthetic,
            "draws": self.draws,
        }
        files = (
            "outcomes.parquet",
            "repeats.csv",
            "arms.csv",
            "lifts.csv",
            "metrics.json",
            "verdict.json",
        )
        outputs = {Path(name).stem: self.reports / name for name in files}
        outputs["scratch"] = self._scratch("evaluate")
        also = self.params.embed.weights, self.params.generate.space
        stage.run(self.params.evaluate, inputs, outputs, *also)

    def repeats(self) -> pd.DataFrame:
        """Return the tidy scores of a finished replicate."""
        return spreadsheet.read(self.reports / "repeats.csv", ["class"]).fillna({"class": ""})

    def outcomes(self) -> "pa.Table":
        """Return which images the arms of a finished replicate get right."""
        from gan_augment.evaluation import outcomes

        return outcomes.read(self.reports / "outcomes.parquet")

    def filled(self) -> list[str]:
        """Return the names of the classes that got synthetic images."""
        counts = table.counts(self.synthetic)
        names = table.class_names(self.synthetic)
        return [name for name, count in zip(names, counts, strict=True) if count]

    def verdict(self) -> dict[str, Any]:
        """Return the content of verdict.json of a finished replicate."""
        found: dict[str, Any] = read_json(self.reports / "verdict.json")
        return found

    def passed(self) -> bool | None:
        """Return whether its generator passed the memorisation gate; None is not known."""
        outcome: bool | None = read_json(self.synthesis / "memorisation.json")["passed"]
        return outcome

    def _scratch(self, stage: str) -> Path:
        return self.folder / "scratch" / stage


def one_at_a_time(scratch: Path) -> AbstractContextManager[int]:
    """Keep other studies out of a folder of replicates while this lasts.

    Raises:
        UserError: another is at work there; names its process.
    """
    return locked(scratch / "lock", f"another run is at work in {scratch.resolve()}", 0)


def run_all(replicates: Sequence[Replicate], title: str) -> None:
    """Run replicates side by side, as many as the cores have room for; on a GPU, one by one.

    What one prints goes to a log in its folder. How many run at once changes no result.

    Args:
        replicates: all of them in one folder, each with the same number of threads.
        title: of the progress bar.

    Raises:
        UserError: of a stage; names the replicate.
    """
    logs = replicates[0].folder.parent / "*" / LOG
    print(f"{title}: {len(replicates)} replicates; what they print is in {logs}", flush=True)
    threads = replicates[0].params.train.threads or 1
    parts: dict[str, list[Replicate]] = {"finished replicates": [], "replicates": []}
    for replicate in replicates:
        parts["finished replicates" if replicate.finished else "replicates"].append(replicate)
    for unit, part in parts.items():  # apart, since they say nothing of how long others take
        if part:
            side_by_side(_run, part, title, unit, threads, True, partial(_at_work, part))


def _at_work(replicates: Sequence[Replicate]) -> str:
    """Return how far the stage is that has just told, and of which replicate it is."""
    logs = [one.folder / LOG for one in replicates if not one.finished]
    written = {log.stat().st_mtime: log for log in logs if log.exists()}
    if not written:
        return ""
    log = written[max(written)]
    with log.open("rb") as file:
        file.seek(max(log.stat().st_size - LAST_BYTES, 0))
        lines = file.read().decode(errors="replace").splitlines()
    told = [line for line in lines if LINE.match(line)]
    return f"({log.parent.name}: {told[-1]})" if told else ""


def _run(replicate: Replicate) -> None:
    folder = replicate.folder
    with (
        locked(folder / "lock", f"another run is at work in {folder}", PATIENCE_S),
        (folder / LOG).open("a", encoding="utf-8", buffering=1) as file,
        redirect_stdout(file),
        redirect_stderr(file),
    ):
        replicate.run()


@contextmanager
def _named(folder: Path) -> Iterator[None]:
    """Say in which replicate a stage refused to go on."""
    try:
        yield
    except UserError as error:
        raise UserError(f"in {folder}: {error}") from None


def folder_for(scratch: Path, params: Params) -> Path:
    """Return where replicates of these params are kept until all are done."""
    return scratch / digest(params.model_dump_json())
