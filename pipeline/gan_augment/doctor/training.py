"""On what torch would train, which only a process with torch can tell.

Run by itself it prints that as JSON.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from gan_augment.doctor.ask import SilentError, ask
from gan_augment.doctor.finding import Finding, attention, ok


def training(root: Path) -> Iterator[Finding]:
    """Look at torch and its device."""
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


def main() -> None:
    """Print what there is to tell."""
    import torch

    from gan_augment.gan.environment import accelerator

    on_gpu = accelerator() == "cuda"
    told = {
        "torch": torch.__version__,
        "on_gpu": on_gpu,
        "device": torch.cuda.get_device_name() if on_gpu else "the CPU",
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
