"""All that is looked at, in the order in which it is told."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from gan_augment.doctor.finding import Finding
from gan_augment.doctor.machine import cores_and_memory, disk, python
from gan_augment.doctor.packages import packages
from gan_augment.doctor.project import project
from gan_augment.doctor.repositories import dvc, git
from gan_augment.doctor.schedules import prefect
from gan_augment.doctor.training import training

LOOKS: tuple[Callable[[Path], Iterable[Finding]], ...] = (
    python,
    packages,
    cores_and_memory,
    disk,
    git,
    dvc,
    prefect,
    training,
    project,
)
"""Those that take long come last."""


def examine(root: Path) -> Iterator[Finding]:
    """Yield what is found of the machine and of the project in `root`, all looked at at once."""
    with ThreadPoolExecutor(len(LOOKS)) as pool:
        for findings in pool.map(lambda look: list(look(root)), LOOKS):
            yield from findings
