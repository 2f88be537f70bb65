"""Tables of what others have written, as it is."""

from datetime import UTC, datetime

import pytest

from gan_augment.versions import terminal
from gan_augment.versions.listing import Version
from gan_augment.versions.tags import Tag

WHY = "agreed [ticket 42], see [/docs/why] :warning: \x1b[31m"
SHOWN = "agreed [ticket 42], see [/docs/why] :warning: \\x1b[31m"


def version(number: int, *classes: str) -> Version:
    counts = {"train": {"real": [3] * len(classes)}}
    told = {"verdict": "level", "override": WHY, "classes": list(classes), "counts": counts}
    return Version(Tag("augmented", (1, number, 0)), datetime(2026, 1, 2, tzinfo=UTC), told)


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def test_a_listing(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.show(terminal.listing([version(0, "a")]))
    assert f"level, overridden: {SHOWN} " in capsys.readouterr().out


def test_a_comparison(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.show(terminal.comparison(version(0, "[/a]"), version(1, "[b]", ":c:")))
    shown = capsys.readouterr().out
    assert "without [/a]; with [b], :c:" in shown
    assert "  train, real, [/a] " in shown
