"""Counter-based randomness: a draw depends on its seed and its name, never on what came before."""

import zlib

import numpy as np


def rng(seed: int, *stream: int | str) -> np.random.Generator:
    """Return the generator of one named stream, e.g. `rng(seed, "batch", step)`."""
    return np.random.default_rng(_key(seed, stream))


def seed_of(seed: int, *stream: int | str) -> int:
    """Return a 32-bit seed for libraries that take an integer, one per named stream."""
    return int(np.random.SeedSequence(_key(seed, stream)).generate_state(1)[0])


def _key(seed: int, stream: tuple[int | str, ...]) -> list[int]:
    return [seed, *(zlib.crc32(s.encode()) if isinstance(s, str) else s for s in stream)]
