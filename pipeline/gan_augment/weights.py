"""Weights in files of others: read as tensors and nothing else, so that no file runs code."""

import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file


def read(path: Path) -> Any:
    """Return what a file holds: .safetensors, or what torch saved, as far as it is tensors.

    Damaged bytes, and what is more than tensors, raise whatever they lead to.
    """
    if path.suffix == ".safetensors":
        return load_file(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.load(path, "cpu", weights_only=True)
