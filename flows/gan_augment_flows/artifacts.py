"""What Prefect's UI shows of a run, and the events that automations listen for."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.events import emit_event

from gan_augment.errors import UserError, reason
from gan_augment.markdown import cautions, escape
from gan_augment.progress import LINE
from gan_augment.recipe import of
from gan_augment.report.pictures import data_url
from gan_augment.storage import read_json
from gan_augment.versions import gate
from gan_augment.versions.publish import Publication, latest
from gan_augment.versions.record import METRICS

REPORT = Path("reports/report.html")
SAMPLES = Path("reports/training/samples")
REPORT_URL = "GAN_AUGMENT_REPORT_URL"
"""Environment variable: the address under which reports/report.html can be opened."""
MAX_PICTURE_BYTES = 2_000_000


@contextmanager
def inessential(what: str, warn: Callable[[str], None]) -> Iterator[None]:
    """Only warn if something cannot be shown: no reason to stop work, or to lose what it made."""
    try:
        yield
    except Exception as error:
        warn(f"Prefect's UI does not show {what}: {reason(error)}")


class Progress:
    """A progress bar in the UI, moved by the lines that `gan_augment.progress` prints to logs."""

    def __init__(self, stage: str, warn: Callable[[str], None]) -> None:
        """Show nothing yet: only long work prints such lines; `warn` is for `inessential`."""
        self._stage, self._warn = stage, warn
        self._id: Any = None

    def read(self, line: str) -> None:
        """Take a line of the stage's output; those that are no progress change nothing.

        A server that does not answer is warned of once, and asked again at the next line.
        """
        with inessential("the progress bar", self._told_once):
            self._show(line)

    def _told_once(self, message: str) -> None:
        self._warn(message)
        self._warn = lambda _: None

    def _show(self, line: str) -> None:
        found = LINE.match(line)
        if not found or not int(found["total"]):
            return
        percent = min(100.0, 100 * int(found["done"]) / int(found["total"]))
        if self._id is None:
            key = f"{re.sub('[^a-z0-9]+', '-', self._stage.lower())}-progress"
            self._id = create_progress_artifact(percent, key=key, description=found["title"])
        else:
            update_progress_artifact(self._id, percent)


def show_results(root: Path, publication: Publication) -> None:
    """Show verdict, metrics against the last version, samples and report, as far as they exist."""
    if (root / gate.VERDICT).exists():
        create_markdown_artifact(_verdict(root), key="verdict", description="Verdict")
    if (root / METRICS).exists():
        table, tag = _metrics(root, publication)
        create_table_artifact(table, key="metrics", description=f"Metrics against {tag}")
    sheets = sorted((root / SAMPLES).glob("*.png"))
    if sheets and sheets[-1].stat().st_size <= MAX_PICTURE_BYTES:
        create_markdown_artifact(_picture(sheets[-1]), key="samples", description="Sample sheet")
    if (root / REPORT).exists():
        link = os.environ.get(REPORT_URL) or (root / REPORT).resolve().as_uri()
        create_link_artifact(link, key="report", link_text="The report", description="Report")


def announce(what: str, artifact: str, payload: dict[str, Any]) -> None:
    """Emit the event `gan-augment.published` or `gan-augment.refused` about an artifact."""
    emit_event(
        event=f"gan-augment.{what}",
        resource={
            "prefect.resource.id": f"gan-augment.artifact.{artifact}",
            "prefect.resource.name": artifact,
        },
        payload=payload,
    )


def _verdict(root: Path) -> str:
    verdict = read_json(root / gate.VERDICT)
    decision = gate.decision(root)
    overall, judges = verdict["overall"], verdict.get("classifiers", {})
    lines = [
        f"# Verdict: {escape(overall['verdict'])}",
        escape(overall.get("sentence", "")),
        *cautions(overall.get("cautions", ())),
        f"Ships: {escape(decision.sentence)}",
        escape(of(verdict, decision.arm).sentence),
        "\n".join(f"- {escape(name)}: **{escape(j['verdict'])}**" for name, j in judges.items()),
    ]
    return "\n\n".join(lines)


def _metrics(root: Path, publication: Publication) -> tuple[list[dict[str, Any]], str]:
    """Return a row for each number, and the tag it is compared to."""
    try:
        published = latest(root, publication)
    except UserError:
        published = None  # no git remote yet, or out of reach: no reason to show nothing
    before = _numbers((published.record if published else {}).get("metrics", {}))
    rows = [
        {
            "metric": name,
            "this run": round(value, 4),
            "published": round(before[name], 4) if name in before else None,
            "difference": round(value - before[name], 4) if name in before else None,
        }
        for name, value in _numbers(read_json(root / METRICS)).items()
    ]
    return rows, published.tag if published else "no version yet"


def _numbers(content: Any, prefix: str = "") -> dict[str, float]:
    """Return the numbers in nested JSON under dotted names."""
    if isinstance(content, dict):
        parts = (_numbers(v, f"{prefix}.{k}" if prefix else k) for k, v in content.items())
        return {name: value for part in parts for name, value in part.items()}
    is_number = isinstance(content, int | float) and not isinstance(content, bool)
    return {prefix: float(content)} if is_number else {}


def _picture(path: Path) -> str:
    """Return Markdown that carries the picture in itself: the server has no files of ours."""
    return f"![{escape(path.stem)}]({data_url(path.read_bytes())})"
