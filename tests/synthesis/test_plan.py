import numpy as np
import pytest

from pipeline.params import Plan
from pipeline.synthesis.plan import wanted


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        ("fill", [0, 7, 5]),
        ({"ratio": 0.5}, [5, 2, 3]),
        ({"ratio": 2}, [20, 6, 10]),
        ({"per_class": 4}, [4, 4, 4]),
    ],
)
def test_counts(plan: object, expected: list[int]) -> None:
    assert wanted(Plan.model_validate(plan), np.array([10, 3, 5])).tolist() == expected
