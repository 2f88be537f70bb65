from collections.abc import Callable

import pytest

from gan_augment import progress as module
from gan_augment.progress import Pace, duration, progress, rate


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return how to let time pass."""
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])

    def passes(seconds: float) -> None:
        now[0] += seconds

    return passes


def test_a_log_gets_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], clock: Callable[[float], None]
) -> None:
    with progress("work", 30, "things") as advance:
        for done in range(1, 31):
            clock(1)
            advance(done, "fine")
    assert capsys.readouterr().err.splitlines() == [
        "work: 2/30 things, 28 s left at 1.0 things/s  fine",
        "work: 12/30 things, 18 s left at 1.0 things/s  fine",
        "work: 22/30 things, 8 s left at 1.0 things/s  fine",
        "work: 30/30 things in 30 s at 1.0 things/s  fine",
    ]


def test_long_work_says_at_once_how_long_and_then_a_hundred_times(
    capsys: pytest.CaptureFixture[str], clock: Callable[[float], None]
) -> None:
    with progress("train", 40_000, "steps", each=(64, "images")) as advance:
        for done in range(1, 40_001):
            clock(0.5)
            advance(done, "D 0.7" if done >= 20 else "")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "train: 4/40000 steps, 5.6 h left at 128 images/s"
    assert lines[1] == "train: 404/40000 steps, 5.5 h left at 128 images/s  D 0.7"
    assert lines[-1] == "train: 40000/40000 steps in 5.6 h at 128 images/s  D 0.7"
    assert 100 <= len(lines) <= 102


def test_what_was_done_before_says_nothing_of_the_speed(
    capsys: pytest.CaptureFixture[str], clock: Callable[[float], None]
) -> None:
    with progress("train", 1000, "steps", start=800) as advance:
        clock(5)
        advance(790, "went back")
        clock(15)
        advance(900)
    assert capsys.readouterr().err.splitlines() == [
        "train: 790/1000 steps  went back",
        "train: 900/1000 steps, 20 s left at 5.0 steps/s",
    ]


@pytest.mark.parametrize(
    ("done", "left"), [(1, 400), (2, 400), (3, 150), (4, 150), (5, 200 / 3), (10, 0)]
)
def test_what_runs_at_once_ends_at_once(done: int, left: float) -> None:
    """Ten units on two cores are five rounds."""
    assert Pace(10, "replicates", at_once=2).left(done, 100) == pytest.approx(left)


def test_time_that_passes_while_nothing_ends_is_time_less_that_is_left() -> None:
    pace = Pace(6, "replicates", at_once=2)
    assert pace.left(0, 50) is None
    assert pace.left(1, 100) == 200
    assert pace.left(2, 130) == 260
    assert pace.left(2, 250) == 140
    assert pace.left(2, 400) is None  # longer than it should
    assert pace.left(5, 400) is None  # the last round has begun, nobody knows when
    assert pace.in_words(6, 500) == " in 8 min at 43 replicates/h"


def test_before_anything_is_done_only_the_note_is_told(
    capsys: pytest.CaptureFixture[str], clock: Callable[[float], None]
) -> None:
    with progress("study", 6, "replicates", at_once=2) as advance:
        for _ in range(10_000):
            clock(1)
            advance(0, "(0: train)")
        advance(1)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "study: 0/6 replicates  (0: train)"
    assert 30 < len(lines) < 100


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "0 s"),
        (99, "99 s"),
        (130, "2 min"),
        (5990, "100 min"),
        (6100, "1.7 h"),
        (4e5, "5 days"),
    ],
)
def test_durations_have_the_unit_that_suits_them(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("a_second", "words"),
    [
        (1234, "1,234 x/s"),
        (2.5, "2.5 x/s"),
        (0.5, "30 x/min"),
        (0.001, "3.6 x/h"),
        (1e-5, "0.0 x/h"),
    ],
)
def test_speeds_have_the_unit_that_suits_them(a_second: float, words: str) -> None:
    assert rate(a_second, "x") == words


def test_a_terminal_gets_a_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    with progress("work", 4, "things", start=2) as advance:
        advance(4, "loss 0.5")
    printed = capsys.readouterr().err
    assert "work" in printed
    assert "4/4" in printed
    assert "things/s" in printed
    assert "loss 0.5" in printed
