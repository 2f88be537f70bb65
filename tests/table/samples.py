"""Tables of random rows, and what they come to on disk."""

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa

from gan_augment import table

CLASSES = ("cat", "Käfer", "犬")


def rows_of(n: int, split: str = "train", shape: tuple[int, int, int] = (3, 5, 7)) -> pa.Table:
    pixels = np.random.default_rng(n).integers(0, 256, (n, *shape), np.uint8)
    return table.encode(pixels, np.arange(n) % 3, CLASSES, split=split, origin="real")


def digest(folder: Path) -> dict[str, str]:
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(folder.iterdir())}
