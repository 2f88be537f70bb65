"""Could a run begin: are settings valid, images where they should be, stages of this version?

Run by itself it prints what there is against the settings and the images as JSON.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from gan_augment.doctor.ask import LateError, SilentError, ask
from gan_augment.doctor.finding import Finding, attention, not_needed, ok
from gan_augment.errors import UserError
from gan_augment.project import stages

PARAMS = Path("params.yaml")


def project(root: Path) -> Iterator[Finding]:
    """Look at the settings, the images and the stages of the project in `root`."""
    if (root / PARAMS).exists():
        yield from _settings_and_images(root)
    else:
        said = "the installation: no project is here; `gan-augment init DIR` makes one"
        yield not_needed("project", said)
    try:
        if advice := stages.outdated(root):
            yield attention("project", advice, stops=False)
    except UserError as error:
        yield attention("project", str(error), stops=True)


def _settings_and_images(root: Path) -> Iterator[Finding]:
    try:
        told = ask(__name__, root)
    except LateError as error:
        said = f"{error} on settings and images, which may take longer to list"
        yield attention("project", f"{said}: `gan-augment ingest` tells of faults", stops=False)
        return
    except SilentError as error:
        yield attention("project", f"settings and images: {error}", stops=True)
        return
    for line in told["refused"].splitlines():
        yield attention("project", line, stops=True)
    if not told["refused"]:
        yield ok("project", "settings are valid, and the images are where they should be")


def refused() -> str:
    """Return why `gan-augment ingest` would refuse the settings or images here, "" if it would not.

    Images are listed, none is opened.
    """
    from gan_augment import names, params
    from gan_augment.ingest.sources import find

    settings = None
    try:
        settings = params.load(PARAMS)
        names.check(settings)
        if settings.ingest.source != "torchvision":  # which may load it down
            find(settings.ingest)
    except UserError as error:
        return f"{error}{_how_to_get(settings.ingest.path) if settings else ''}"
    return ""


def _how_to_get(images: Path) -> str:
    """Return what to do about images that are not there although DVC knows them."""
    known = Path(f"{images}.dvc")
    return f": `dvc pull {known}` gets it" if known.exists() and not images.exists() else ""


if __name__ == "__main__":
    print(json.dumps({"refused": refused()}))
