"""A replicate: the stages from ingestion to evaluation once more, in a folder of their own."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from gan_augment import spreadsheet, table
from gan_augment.engine import Workplace, side_by_side, workplace
from gan_augment.engine.kept import Store, elsewhere
from gan_augment.engine.packed import pack, unpack
from gan_augment.errors import UserError
from gan_augment.lock import locked
from gan_augment.params import Params
from gan_augment.progress import LINE, progress
from gan_augment.storage import digest, fingerprint, read_json, sweep_deleted, write_text

if TYPE_CHECKING:
    import pyarrow as pa

STAGES = ("embed", "train", "generate", "evaluate")
"""What is not run again if it was finished with the same images, by the same code."""
LOG = "log.txt"
NEEDED = (LOG, "real", "ingest")
"""What ingestion makes of the images, and has printed: all that the stages need."""
RESULTS = (LOG, "training", "synthetic", "synthesis", "reports", "*.done")
"""What a study needs of a replicate, besides its real images, and that it is finished."""
LAST_BYTES = 1_000
"""Where at the end of a log it says how far it is."""
PATIENCE_S = 10.0
"""Seconds that processes of a killed study are given to end."""


class Replicate:
    """Stages in `folder`, from `params`; where these leave the threads open, training takes one.

    Ingestion always runs; what follows is not run again if it was finished with the same images, by
    the same code. A stage that was killed goes on where it was, as it does by itself.
    """

    def __init__(self, params: Params, folder: Path, name: str = "") -> None:
        """Take the folder, and how messages name it, by default as they name the folder."""
        self.name = name or str(folder)
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
        self.go_on()

    def go_on(self) -> None:
        """Run what is not finished, once the images are there.

        Raises:
            UserError: of a stage; names the replicate.
        """
        known_as = self.fingerprint()
        for stage in STAGES:
            if self._done(stage, known_as):
                continue
            (self.folder / f"{stage}.done").unlink(missing_ok=True)
            with self._named():
                getattr(self, stage)()
            write_text(self.folder / f"{stage}.done", known_as)

    @property
    def finished(self) -> bool:
        """Whether all of it was, with the images that are there, by the same code."""
        known_as = self.fingerprint()
        return all(self._done(stage, known_as) for stage in STAGES)

    def _done(self, stage: str, known_as: str) -> bool:
        done = self.folder / f"{stage}.done"
        return done.exists() and done.read_text() == known_as

    def fingerprint(self) -> str:
        """Return a hash of what its results depend on: settings, images, and the code.

        The user's own classifiers are code, too.
        """
        from gan_augment.evaluation.classifiers import sources

        weights = self.params.embed.weights
        network = [weights] if weights and weights.is_file() else []
        own = sources(self.params.evaluate.classifiers)
        images = table.table_hash(self.real)
        return fingerprint(self.params.model_dump_json(), images, *network, *own)

    def ingest(self) -> None:
        """Make the image table of real images.

        Raises:
            UserError: of the stage; names the replicate.
        """
        from gan_augment.ingest import stage

        with self._named():
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
        """Return whether its generator passed the memorisation check; None is not known."""
        outcome: bool | None = read_json(self.synthesis / "memorisation.json")["passed"]
        return outcome

    def _scratch(self, stage: str) -> Path:
        return self.folder / "scratch" / stage

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Say in which replicate a stage refused to go on."""
        try:
            yield
        except UserError as error:
            raise UserError(f"in {self.name}: {error}") from None


@contextmanager
def one_at_a_time(scratch: Path) -> Iterator[None]:
    """Keep other studies out of a folder of replicates while this lasts.

    What is left there of one that was killed while it deleted its own goes first.

    Raises:
        UserError: another is at work there; names its process.
    """
    with locked(scratch / "lock", f"another run is at work in {scratch.resolve()}", 0):
        sweep_deleted(scratch)
        yield


def run_all(replicates: Sequence[Replicate], title: str) -> None:
    """Run replicates side by side, as many as the cores have room for; on a GPU, one by one.

    This process ingests the images of each, so that a cluster needs neither them nor a common disk.
    What one prints goes to a log in its folder. How many run at once changes no result. Where
    finished tasks are kept elsewhere, those that are there are taken from there.

    Args:
        replicates: all of them in one folder, each with the same number of threads.
        title: of the progress bar.

    Raises:
        UserError: of a stage; names the replicate.
    """
    folder = replicates[0].folder.parent
    store = elsewhere(folder.name)
    logs = folder / "*" / LOG
    print(f"{title}: {len(replicates)} replicates; what they print is in {logs}", flush=True)
    with progress(title, len(replicates), "sets of images") as advance:
        for number, replicate in enumerate(replicates, 1):
            with _logged(replicate.folder):
                replicate.ingest()
            _take(replicate, store)
            advance(number)
    left = [replicate for replicate in replicates if not replicate.finished]
    if finished := len(replicates) - len(left):
        print(f"{title}: finished already: {finished} of {len(replicates)}", flush=True)

    tasks = [(one, workplace(one.folder, NEEDED, RESULTS)) for one in left]

    def arrived(task: tuple[Replicate, Workplace], result: bytes) -> None:
        task[1].receive(result)
        left.remove(task[0])
        if store:
            store.write(task[0].fingerprint(), pack(task[0].folder, RESULTS))

    threads, note = replicates[0].params.train.threads or 1, partial(_at_work, left, time.time())
    side_by_side(_run, tasks, title, "replicates", threads, True, note, arrived)


def _take(replicate: Replicate, store: Store | None) -> None:
    """Take a replicate from elsewhere, if it was finished there, and not here."""
    if store and not replicate.finished:
        found = store.read(replicate.fingerprint())
        if found is not None:
            unpack(found, replicate.folder, RESULTS)


def _run(task: tuple[Replicate, Workplace]) -> bytes:
    """Run the stages, wherever that is; return what has to go back."""
    replicate, place = task

    def work(folder: Path) -> None:
        with _logged(folder):
            Replicate(replicate.params, folder, replicate.name).go_on()

    return place.run(work)


def _at_work(replicates: Sequence[Replicate], since: float) -> str:
    """Return how far the stage is that has just told, and of which replicate it is.

    Logs that nobody has written to since then are of machines that send theirs in the end.
    """
    logs = {one.folder / LOG for one in replicates if (one.folder / LOG).exists()}
    written = {when: log for log in logs if (when := log.stat().st_mtime) > since}
    if not written:
        return ""
    log = written[max(written)]
    with log.open("rb") as file:
        file.seek(max(log.stat().st_size - LAST_BYTES, 0))
        lines = file.read().decode(errors="replace").splitlines()
    told = [line for line in lines if LINE.match(line)]
    return f"({log.parent.name}: {told[-1]})" if told else ""


@contextmanager
def _logged(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder while this lasts, and write what is printed to its log.

    Raises:
        UserError: another process is at work in it.
    """
    with (
        locked(folder / "lock", f"another run is at work in {folder}", PATIENCE_S),
        (folder / LOG).open("a", encoding="utf-8", buffering=1) as file,
        redirect_stdout(file),
        redirect_stderr(file),
    ):
        yield


def folder_for(scratch: Path, params: Params) -> Path:
    """Return where replicates of these params are kept until all are done."""
    return scratch / digest(params.model_dump_json())
