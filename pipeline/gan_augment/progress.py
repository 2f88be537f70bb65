"""Progress that a person sees as a bar and a log file as a line now and then."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

LOG_EVERY_S = 10.0


class Advance(Protocol):
    """Report `done` units out of the total, with a short note such as the losses."""

    def __call__(self, done: int, note: str = "") -> None:  # noqa: D102
        ...


@contextmanager
def progress(title: str, total: int, unit: str, start: int = 0) -> Iterator[Advance]:
    """Yield a function that shows how far a long job is.

    On a terminal it moves a bar; elsewhere (DVC in CI, a Prefect worker) it prints a line every
    ten seconds, so that logs stay readable.

    Args:
        title: what is being done.
        total: number of units at the end.
        unit: name of a unit, e.g. "steps".
        start: units already done, when a job resumes.
    """
    if sys.stderr.isatty():
        with _bar(title, total, unit, start) as advance:
            yield advance
    else:
        yield _lines(title, total, unit, start)


@contextmanager
def _bar(title: str, total: int, unit: str, start: int) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=total, completed=start, note="")
        yield lambda done, note="": bar.update(task, completed=done, note=note)


def _lines(title: str, total: int, unit: str, start: int) -> Advance:
    began = last = time.monotonic()

    def advance(done: int, note: str = "") -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < LOG_EVERY_S and done < total:
            return
        last = now
        left = (now - began) / max(done - start, 1) * (total - done)
        print(
            f"{title}: {done}/{total} {unit}, {left:.0f} s left  {note}",
            file=sys.stderr,
            flush=True,
        )

    return advance
