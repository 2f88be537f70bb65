"""Artifacts in a flow run under Prefect's test harness."""

import base64
import json
import time
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import get_client

from gan_augment import progress
from gan_augment.versions import gate
from gan_augment.versions.publish import Publication, publish
from gan_augment_flows import artifacts
from tests.markdown import shown
from tests.projects import ROOT, Project

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("prefect_server")]


def found() -> dict[str, Any]:
    with get_client(sync_client=True) as client:
        return {artifact.key: artifact.data for artifact in client.read_latest_artifacts()}


def test_the_bar_follows_the_lines_that_stages_print(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (("FIRST_S", 0), ("LOG_EVERY_S", 0), ("LINES", 10**9)):
        monkeypatch.setattr(progress, name, value)
    with progress.progress("train", 200, "steps") as advance:
        for done in (1, 50, 150):
            time.sleep(0.01)
            advance(done, "D 0.693  G 0.71")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3

    @flow
    def watch() -> list[float]:
        bar = artifacts.Progress("train", pytest.fail)
        bar.read("Running stage 'train':")
        assert "train-progress" not in found()
        seen = []
        for line in [*lines, "saved 3/4"]:
            bar.read(line)
            seen.append(found()["train-progress"])
        return seen

    assert watch() == [0.5, 25.0, 75.0, 75.0]


def test_a_server_that_is_away_stops_no_work_and_is_warned_of_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away(*_: object, **__: object) -> None:
        raise ConnectionError("no answer")

    monkeypatch.setattr(artifacts, "create_progress_artifact", away)
    warnings: list[str] = []
    bar = artifacts.Progress("train", warnings.append)
    for done in (1, 2):
        bar.read(f"train: {done}/4 steps")
    assert warnings == ["Prefect's UI does not show the progress bar: no answer"]
    shown: list[float] = []
    monkeypatch.setattr(artifacts, "create_progress_artifact", lambda part, **_: shown.append(part))
    bar.read("train: 3/4 steps")
    assert shown == [75.0]


def test_a_generator_that_copies_is_not_said_to_ship(project: Project) -> None:
    failed = {"passed": False, "reasons": ["9 of 100 images are copies", "a|b: *all* of <them>"]}
    (project.root / gate.MEMORISATION).write_text(json.dumps(failed))

    @flow
    def show() -> None:
        artifacts.show_results(project.root, Publication())

    show()
    said = "Ships: Real images as they are: on validation gan is better, but the generator "
    said += "copies: 9 of 100 images are copies; the generator copies: a|b: *all* of <them>."
    assert said in shown(found()["verdict"])


def test_results_are_shown_against_the_last_version(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(project.root, Publication())
    metrics = {"verdict": "level", "gan": 75.0, "plain": 25.0}
    overall = {"verdict": "level", "sentence": "So so.", "cautions": ["Thin *evidence*."]}
    project.write(metrics=metrics, verdict={"overall": overall})
    project.rebuild()
    sheets = project.root / artifacts.SAMPLES
    sheets.mkdir(parents=True)
    picture = (ROOT / "docs/report.png").read_bytes()
    (sheets / "step-000100.png").write_bytes(b"older")
    (sheets / "step-000200.png").write_bytes(picture)
    (project.root / artifacts.REPORT).write_text("<html>")
    monkeypatch.setenv(artifacts.REPORT_URL, "https://reports.example.org/report.html")

    @flow
    def show() -> None:
        artifacts.show_results(project.root, Publication())

    show()
    shown = found()
    told = r"So so.\n\n**Caution.** Thin \*evidence\*.\n\nShips: Real images, and synthetic ones"
    assert "# Verdict: level\n\n" + told.replace(r"\n", "\n") in shown["verdict"]
    assert "gan: real images, and synthetic ones by gan, each of them seen once" in shown["verdict"]
    assert base64.b64encode(picture).decode() in shown["samples"]
    assert "https://reports.example.org/report.html" in shown["report"]
    table = {row["metric"]: row for row in json.loads(shown["metrics"])}
    assert table["gan"] == {
        "metric": "gan",
        "this run": 75.0,
        "published": 50.0,
        "difference": 25.0,
    }
    assert table["plain"]["published"] is None
    assert "verdict" not in table
