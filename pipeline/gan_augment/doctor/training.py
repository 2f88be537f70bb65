"""What only a process with torch can tell: on what it would train, and whether a run could begin.

Run by itself it prints that as JSON.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from gan_augment.doctor.ask import SilentError, ask
from gan_augment.doctor.finding import Finding, attention, not_needed, ok
from gan_augment.errors import UserError
from gan_augment.project import stages

PARAMS = Path("params.yaml")


def training(root: Path) -> Iterator[Finding]:
    """Look at torch, its device, the settings and the images."""
    try:
        told = ask(__name__, root)
    except SilentError as error:
        yield attention("torch", f"does not start: {error}", stops=True)
        return
    if not told["on_gpu"] and shutil.which("nvidia-smi"):
        advice = "install the build for your driver, see https://pytorch.org/get-started"
        said = f"{told['torch']} does not see the GPU that nvidia-smi knows of: {advice}"
        yield attention("torch", said, stops=False)
    else:
        yield ok("torch", f"{told['torch']}, trains on {told['device']}")
    if not (root / PARAMS).exists():
        said = "the installation: no project is here; `gan-augment init DIR` makes one"
        yield not_needed("project", said)
    elif told["refused"]:
        for line in told["refused"].splitlines():
            yield attention("project", line, stops=True)
    else:
        yield ok("project", "settings are valid, and the images are where they should be")
    try:
        if advice := stages.outdated(root):
            yield attention("project", advice, stops=False)
    except UserError as error:
        yield attention("project", str(error), stops=True)


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


def main() -> None:
    """Print what there is to tell."""
    import torch
    from lightning_fabric import Fabric

    device = Fabric(accelerator="auto", devices=1).device
    named = torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
    told = {
        "torch": torch.__version__,
        "on_gpu": device.type != "cpu",
        "device": "the CPU" if device.type == "cpu" else named,
        "refused": refused() if PARAMS.exists() else "",
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
