import numpy as np
import pandas as pd
import pytest

from pipeline.evaluation.statistics import Difference
from pipeline.evaluation.verdict import judgement, verdicts


def repeats(**arms: tuple[float, float]) -> pd.DataFrame:
    """Return scores of arms given as (validation, test), with a little paired noise."""
    rows = []
    noise = np.random.default_rng(0).normal(0, 0.002, (10, 2))
    for arm, scores in arms.items():
        own = np.random.default_rng(len(arm)).normal(0, 0.001, (10, 2))
        for repeat in range(10):
            for judge, shift in (("svm", 0.0), ("k-nn", -0.1)):
                for index, split in enumerate(("validation", "test")):
                    value = scores[index] + shift + noise[repeat, index] + own[repeat, index]
                    name = arm.replace("_", "+")
                    rows.append((repeat, judge, name, split, "balanced_accuracy", "", value))
    columns = ["repeat", "classifier", "arm", "split", "metric", "class", "value"]
    return pd.DataFrame(rows, columns=columns)


@pytest.mark.parametrize(
    ("gan", "word"), [(0.95, "helps"), (0.93, "level"), (0.9, "no evidence"), (0.85, "harms")]
)
def test_the_four_words(gan: float, word: str) -> None:
    scores = repeats(real=(0.9, 0.9), smote=(0.93, 0.93), gan=(gan, gan))
    found = verdicts(scores)
    assert found["overall"]["verdict"] == word
    assert found["overall"]["alternative"] == "smote"
    assert set(found["classifiers"]) == {"svm", "k-nn"}
    assert found["classifiers"]["svm"]["scores"]["gan"] == pytest.approx(gan, abs=0.005)


def test_better_than_real_but_worse_than_the_simpler_method_is_no_evidence() -> None:
    scores = repeats(real=(0.9, 0.9), smote=(0.95, 0.95), gan=(0.93, 0.93))
    assert verdicts(scores)["overall"]["verdict"] == "no evidence"


def test_arms_are_chosen_on_validation_and_judged_on_test() -> None:
    """smote wins on test, oversample on validation: the test split must not choose."""
    scores = repeats(
        real=(0.9, 0.9),
        smote=(0.91, 0.99),
        oversample=(0.95, 0.92),
        gan=(0.96, 0.9),
        gan_classic=(0.9, 0.99),
    )
    overall = verdicts(scores)["overall"]
    assert (overall["gan_arm"], overall["alternative"]) == ("gan", "oversample")
    assert overall["against_alternative"]["mean"] == pytest.approx(-0.02, abs=0.003)
    assert "-2.0 points" in overall["sentence"]


def test_a_control_is_never_the_alternative() -> None:
    scores = repeats(real=(0.9, 0.9), placebo=(0.99, 0.99), gan=(0.93, 0.93))
    assert verdicts(scores)["overall"]["alternative"] == "real"
    assert verdicts(scores)["overall"]["verdict"] == "helps"


def test_an_interval_that_touches_zero_is_not_above_it() -> None:
    touching, above = Difference(0.1, 0.0, 0.2, 0.1), Difference(0.1, 0.05, 0.2, 0.01)
    assert judgement(touching, above) == "level"
    assert judgement(touching, touching) == "no evidence"
    assert judgement(above, above) == "helps"
