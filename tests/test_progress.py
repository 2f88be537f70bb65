import pytest

from gan_augment import progress as module
from gan_augment.progress import progress


def test_a_log_gets_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter(range(1000))
    monkeypatch.setattr(module.time, "monotonic", lambda: next(now))
    with progress("work", 30, "things") as advance:
        for done in range(1, 31):
            advance(done, "fine")
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "work: 10/30 things, 20 s left  fine",
        "work: 20/30 things, 10 s left  fine",
        "work: 30/30 things, 0 s left  fine",
    ]


def test_a_terminal_gets_a_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.sys.stderr, "isatty", lambda: True, raising=False)
    with progress("work", 4, "things", start=2) as advance:
        advance(4, "loss 0.5")
    printed = capsys.readouterr().err
    assert "work" in printed
    assert "4/4" in printed
    assert "loss 0.5" in printed
