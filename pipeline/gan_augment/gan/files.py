"""What the files of a model are called."""

from pathlib import Path

CONFIG = "config.json"
HALVES = ("generator", "discriminator")


def weights_file(folder: Path, half: str) -> Path:
    """Return where the weights of the generator or the discriminator are."""
    return folder / f"{half}.safetensors"
