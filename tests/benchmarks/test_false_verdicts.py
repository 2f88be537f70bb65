"""A small version of the benchmark, on real digits: three copies, six repeats, one classifier."""

from functools import partial

import numpy as np
import pyarrow as pa
import pytest

from benchmarks import studies
from benchmarks.copies import REAL, SHARES, Copy, Size, called, kind, more, world
from benchmarks.false_verdicts import PLAIN, SETS, Pairs, report, together
from benchmarks.pairs import judged
from gan_augment import names
from gan_augment.evaluation.outcomes import of_split
from gan_augment.params import Params
from gan_augment.synthesis.baselines import smote
from gan_augment.table import Images

COPIES = 3
SAME = [(method, kept) for method in ("oversample", "gmm") for kept in (True, False)]
BETTER = [(name, False) for share in SHARES for name in more(share)]
ONE_JUDGE = {**PLAIN, "evaluate": {**PLAIN["evaluate"], "classifiers": ["k-nn"]}}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    params, folder = studies.params("digits-20", ONE_JUDGE), tmp_path_factory.mktemp("worlds") / "0"
    made = world(params, 0, Size(COPIES, 6), folder, ("oversample", "gmm"))
    assert not folder.exists()
    return made


@pytest.fixture(scope="module")
def pairs(outcomes: pa.Table) -> Pairs:
    return together([judged(outcomes)])


def test_every_copy_is_evaluated_and_no_two_are_the_same(outcomes: pa.Table) -> None:
    right = of_split(outcomes, "test").right
    arms = [called(*each, copy) for each in SAME + BETTER for copy in range(COPIES)]
    assert set(right) == {("k-nn", arm) for arm in (REAL, *arms)}
    assert len({values.tobytes() for values in right.values()}) == 1 + len(arms)


def test_copies_are_compared_with_copies_of_their_method_alone(pairs: Pairs) -> None:
    expected = len(SAME) * COPIES * (COPIES - 1) + len(SHARES) * 2 * COPIES**2
    assert len(pairs) == expected
    for one, other in pairs:
        first, second = (arm.split("/")[:2] for arm in (one, other))
        assert first == second or {first[0], second[0]} in [set(more(share)) for share in SHARES]


def test_the_verdict_finds_no_difference_in_the_same_and_a_gain_where_there_is_one(
    pairs: Pairs,
) -> None:
    new, again = (kind(name, False) for name in more(2.0))
    better = [said for (first, _), said in pairs.items() if first.startswith(new)]
    worse = [said for (first, _), said in pairs.items() if first.startswith(again)]
    assert {said.word for said in better} == {"helps"}
    assert not {said.word for said in worse} & {"helps", "level"}
    same = [said for (first, _), said in pairs.items() if first.startswith(("gmm", "oversample"))]
    assert np.mean([said.alone in ("helps", "harms") for said in same]) <= 0.1


def test_the_report_is_three_tables(pairs: Pairs) -> None:
    lines = report({"digits": pairs}).splitlines()
    rows = [line for line in lines if line.startswith("| digits")]
    assert len(rows) == 4 + 2 + 2
    assert "one draw kept, repeats alone (before) | 6 |" in rows[0]
    assert "| gmm | 3 |" in rows[5]
    assert "| +200% | +" in rows[7]


@pytest.mark.parametrize("kept", [True, False])
def test_a_kept_copy_adds_the_same_images_in_every_repeat(
    train_images: Images, settings: Params, kept: bool
) -> None:
    make = partial(smote, train_images, np.full(10, 3))
    first, second = (Copy(train_images, settings, make, at, kept) for at in (0, 6))
    sets = [copy(repeat).synthetic.pixels for copy in (first, second) for repeat in range(6)]
    assert len({pixels.tobytes() for pixels in sets}) == (2 if kept else 12)


@pytest.mark.parametrize("name", SETS)
def test_a_set_asks_for_what_there_is(name: str) -> None:
    params = studies.params(SETS[name].study, SETS[name].changes)
    names.check(params)
    assert params.evaluate.arms == (REAL, "gan")
    assert params.evaluate.tuning_repeats == 0
    assert params.generate.plan.amount == 1
    assert SETS[name].size.repeats >= 6
