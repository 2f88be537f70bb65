"""Progress that a person sees as a bar and a log file as a line now and then, and what is left."""

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

FIRST_S = 2.0
"""Seconds after which a log says for the first time how long the rest will take."""
LOG_EVERY_S = 10.0
"""Seconds between its lines, or more: of long work it has a hundred lines."""
LINES = 100
UNKNOWN = 10
"""Where nothing is known of the rest, a line comes after another tenth of the time so far."""
LINE = re.compile(r"(?P<title>.+): (?P<done>\d+)/(?P<total>\d+) ")
"""How such a line begins."""


class Advance(Protocol):
    """Report `done` units out of the total, with a short note such as the losses."""

    def __call__(self, done: int, note: str = "") -> None:  # noqa: D102
        ...


class Pace:
    """How fast long work goes, and so how long the rest will take."""

    def __init__(
        self,
        total: int,
        unit: str,
        start: int = 0,
        at_once: int = 1,
        each: tuple[int, str] | None = None,
    ) -> None:
        """Take the arguments of `progress`."""
        self.total, self.unit, self._start, self._at_once = total, unit, start, at_once
        self._each = each or (1, unit)
        self._done, self._passed = start, 0.0

    def left(self, done: int, passed: float) -> float | None:
        """Return for how many seconds the rest will last; None if nothing is known of that.

        Units that are worked on at the same time are taken to end at the same time, too.

        Args:
            done: number of units.
            passed: seconds since the start.
        """
        if done != self._done:
            self._done, self._passed = done, passed
        made, rounds = (-(-(n - self._start) // self._at_once) for n in (done, self.total))
        if made <= 0:
            return None
        left = self._passed / made * rounds - passed
        return left if left > 0 or done >= self.total else None

    def in_words(self, done: int, passed: float) -> str:
        """Say how long the rest will take, or all has taken, and at which speed."""
        left = self.left(done, passed)
        if left is None or not self._passed:
            return ""
        number, unit = self._each
        speed = rate((done - self._start) * number / self._passed, unit)
        if done >= self.total:
            return f" in {duration(passed)} at {speed}"
        return f", {duration(left)} left at {speed}"


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it: 40 s, 12 min, 3.5 h, 4 days."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.0f} days"


def rate(a_second: float, unit: str) -> str:
    """Return a speed with a number of 1 or more, if it is at least one an hour: 130 images/s."""
    times = {"s": 1, "min": 60, "h": 3600}
    name = next((name for name, seconds in times.items() if a_second * seconds >= 1), "h")
    number = a_second * times[name]
    return f"{number:,.{0 if number >= 10 else 1}f} {unit}/{name}"


@contextmanager
def progress(
    title: str,
    total: int,
    unit: str,
    start: int = 0,
    at_once: int = 1,
    each: tuple[int, str] | None = None,
) -> Iterator[Advance]:
    """Yield a function that shows how far a long job is, how long the rest takes, and how fast.

    On a terminal it moves a bar; elsewhere (DVC in CI, a Prefect worker) it prints a line after two
    seconds, every ten seconds, and ever more seldom the longer the work is, so that logs stay
    readable.

    Args:
        title: what is being done.
        total: number of units at the end.
        unit: name of a unit, e.g. "steps".
        start: units already done, when a job resumes.
        at_once: units that are worked on at the same time.
        each: how many of what a unit is, where speed is told in these, e.g. (64, "images").
    """
    pace = Pace(total, unit, start, at_once, each)
    if sys.stderr.isatty():
        with _bar(title, pace, start) as advance:
            yield advance
    else:
        yield _lines(title, pace)


@contextmanager
def _bar(title: str, pace: Pace, start: int) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(pace.unit),
        TimeElapsedColumn(),
        TextColumn("{task.fields[pace]}"),
        TextColumn("{task.fields[note]}"),
    )
    began = time.monotonic()
    with Progress(*columns, console=Console(file=sys.stderr)) as bar:
        task = bar.add_task(title, total=pace.total, completed=start, pace="", note="")

        def advance(done: int, note: str = "") -> None:
            words = pace.in_words(done, time.monotonic() - began)
            bar.update(task, completed=done, pace=words.lstrip(", "), note=note)

        yield advance


def _lines(title: str, pace: Pace) -> Advance:
    began = time.monotonic()
    due = began + FIRST_S

    def advance(done: int, note: str = "") -> None:
        nonlocal due
        now = time.monotonic()
        if now < due and done < pace.total:
            return
        passed = now - began
        left = pace.left(done, passed)
        due = now + max(LOG_EVERY_S, passed / UNKNOWN if left is None else (passed + left) / LINES)
        line = f"{title}: {done}/{pace.total} {pace.unit}{pace.in_words(done, passed)}"
        print(f"{line}  {note}" if note else line, file=sys.stderr, flush=True)

    return advance
