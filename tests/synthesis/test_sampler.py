"""What a class is given up by, in words; tests/synthesis/test_stage.py draws for real."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gan_augment import table
from gan_augment.metrics.features import principal_components
from gan_augment.params import GenerateParams
from gan_augment.synthesis.gates.sight import Gate, Sight
from gan_augment.synthesis.sampler import Block, Sampler
from gan_augment.table import Images


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (0, "fewer than one in 20 (generate.max_tries); the strictest is copies"),
        (1, "fewer than one in 100 (5 times generate.max_tries = 20); the strictest is copies"),
    ],
)
def test_why_a_class_is_given_up(number: int, told: str) -> None:
    generator: Any = SimpleNamespace(classes=("cat",))
    judges: Any = {"copies": None}
    sampler = Sampler(generator, GenerateParams(), None, judges, None, number)
    sampler.tally[0] = Counter({("all", "tried"): 512, ("copies", "tried"): 512})
    assert told in sampler._why(0)


def test_what_passed_before_a_kill_is_remembered_to_the_last_bit() -> None:
    """The codes of three images alone are rounded otherwise than within their block of 256."""
    pixels = np.random.default_rng(0).integers(0, 256, (256, 1, 28, 28)).astype(np.uint8)
    real = Images(pixels, np.zeros(256, np.int64), ("cat",), pd.DataFrame({"group": ["g"] * 256}))
    components = principal_components(real)
    passed = np.array([3, 77, 200])
    told = {"split": "train", "origin": "synthetic", "index": (512 + passed).tolist()}
    rows = table.encode(pixels[passed], real.labels[passed], real.classes, **told)
    shown = []
    gates: Any = {
        "copies": Gate(None, Sight()),  # type: ignore[arg-type]
        "repeats": Gate(None, Sight(), lambda *seen: shown.append(seen)),  # type: ignore[arg-type]
    }
    evidence: Any = SimpleNamespace(components=components)
    generator: Any = None
    sampler = Sampler(generator, GenerateParams(seed=7), evidence, gates, None)
    sampler._remember(0, Block({"all": (256, 3)}, lambda: rows), 512)
    ((label, seed, codes),) = shown
    assert (label, seed) == (0, 7)
    assert codes.tobytes() == components(pixels).values[passed].tobytes()
