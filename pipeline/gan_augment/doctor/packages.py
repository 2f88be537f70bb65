"""Installed packages that do not fit together, by what each says it needs."""

from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from gan_augment.doctor.finding import Finding, attention, ok

ROOT = "gan-augment"
PARTS = {
    "dvc": "dvc",
    "flows": "prefect",
    "datasets": "datasets",
    "s3": "s3fs",
    "heif": "pillow-heif",
}
"""Extras of the component, and the package whose presence tells that one is used."""
CONSEQUENCES = {
    "fastapi": "with a newer one this Prefect runs no flow",
    "sqlalchemy": "with a newer one this Prefect's schedules do not start",
}
"""What comes of a version that does not fit, where that is known and not obvious."""


def packages(_: Path) -> Iterator[Finding]:
    """Look at what the component and its parts need, and at what these need in turn."""
    wrong = list(conflicts())
    for requirement, wanted_by, present in wrong:
        name, why = canonicalize_name(requirement.name), ""
        if name in CONSEQUENCES:
            why = f" ({CONSEQUENCES[name]})"
        advice = f"pip install '{requirement.name}{requirement.specifier}'"
        is_there = f"{name} {present}" if present else f"no {name}"
        said = f"{is_there}, but {wanted_by} needs {requirement.specifier or 'it'}{why}: {advice}"
        yield attention("packages", said, stops=True)
    if not wrong:
        used = ", ".join(["the component", *used_parts()])
        yield ok("packages", f"what {used} need is there, in versions that fit")


def used_parts() -> list[str]:
    """Return the extras of the component that are installed."""
    return [extra for extra, package in PARTS.items() if _installed(package)]


def conflicts() -> Iterator[tuple[Requirement, str, str | None]]:
    """Yield requirements that are not met: which, of what package, and what version is there."""
    waiting = [(ROOT, extra) for extra in ("", *used_parts())]
    seen = set(waiting)
    told: set[tuple[str, str]] = set()
    while waiting:
        package, extra = waiting.pop(0)
        present = _installed(package)
        for text in (present.requires or []) if present else []:
            needed = Requirement(text)
            if needed.marker and not needed.marker.evaluate({"extra": extra}):
                continue
            name = canonicalize_name(needed.name)
            found = _installed(name)
            fits = found and needed.specifier.contains(found.version, prereleases=True)
            if not fits and (package, text) not in told:
                told.add((package, text))
                yield needed, package, found.version if found else None
            more = [(name, each) for each in ("", *needed.extras)]
            waiting += [one for one in more if one not in seen]
            seen.update(more)


def _installed(package: str) -> Distribution | None:
    try:
        return distribution(package)
    except PackageNotFoundError:
        return None
