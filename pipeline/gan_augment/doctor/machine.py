"""Python, cores, memory and disk."""

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from importlib.metadata import metadata
from pathlib import Path

from gan_augment.doctor.finding import Finding, attention, ok
from gan_augment.errors import MAKE_ROOM, NO_TEMPORARY

GB = 1e9
WORKER_GB = 1.0
"""Memory of each process of the evaluation, which runs one a core."""
LITTLE_GB, TOO_LITTLE_GB = 5.0, 0.5
"""Free disk below which a run may fail, and below which it will."""
LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""What a container may use, in the two versions of Linux's control groups."""


def python(_: Path) -> Iterator[Finding]:
    """Look at the Python that runs this."""
    from packaging.specifiers import SpecifierSet

    present, wanted = platform.python_version(), metadata("gan-augment")["Requires-Python"]
    if SpecifierSet(wanted).contains(present, prereleases=True):
        yield ok("Python", present)
    else:
        yield attention("Python", f"{present}: make an environment with {wanted}", stops=True)


def cores_and_memory(_: Path) -> Iterator[Finding]:
    """Look at what processes may use, containers' limits included."""
    from loky import cpu_count

    cores, available = cpu_count(), memory() / GB
    said = f"{cores} cores, {available:.1f} GB of memory free"
    if available >= WORKER_GB * (cores + 1):
        yield ok("machine", said)
    else:
        fewer = max(1, int(available / WORKER_GB) - 1)
        advice = f"end what uses memory, or set LOKY_MAX_CPU_COUNT={fewer}"
        yield attention("machine", f"{said}, little for as many processes: {advice}", stops=False)


def memory() -> int:
    """Return the bytes of memory that are free, within the limit of a container if there is one."""
    import psutil

    present = psutil.virtual_memory()
    limits = [file.read_text().strip() for file in LIMITS if file.is_file()]
    limit = min((int(text) for text in limits if text.isdigit()), default=present.total)
    return int(min(present.available, limit))


def disk(root: Path) -> Iterator[Finding]:
    """Look at the disks of the project and of scratch files."""
    places = {root.resolve(): "here"}
    try:
        places[Path(tempfile.gettempdir())] = "for scratch files"
    except FileNotFoundError:
        yield attention("disk", f"{NO_TEMPORARY.lower()}: {MAKE_ROOM}", stops=True)
    disks = {place.stat().st_dev: place for place in reversed(places)}
    for place in (place for place in places if place in disks.values()):
        free = shutil.disk_usage(place).free / GB
        said = f"{free:.1f} GB free {places[place]} ({place})"
        if not os.access(place, os.W_OK):
            yield attention("disk", f"{place} cannot be written: work elsewhere", stops=True)
        elif free >= LITTLE_GB:
            yield ok("disk", said)
        else:
            yield attention("disk", f"{said}: make room", stops=free < TOO_LITTLE_GB)
