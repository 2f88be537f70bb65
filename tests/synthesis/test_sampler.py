"""What a class is given up by, in words; tests/synthesis/test_stage.py draws for real."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from gan_augment.params import GenerateParams
from gan_augment.synthesis.sampler import Sampler


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
