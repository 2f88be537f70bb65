import numpy as np
import pandas as pd
import pytest

from gan_augment.evaluation import statistics
from gan_augment.evaluation.statistics import Difference, paired_difference
from gan_augment.evaluation.verdict import judgement, verdicts


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
                    key = repeat, judge, name, split
                    rows.append((*key, "balanced_accuracy", "", value))
                    rows += [(*key, "recall", c, value + d) for c, d in (("a", 0.05), ("b", -0.05))]
    columns = ["repeat", "classifier", "arm", "split", "metric", "class", "value"]
    return pd.DataFrame(rows, columns=columns)


@pytest.mark.parametrize(
    ("gan", "word"), [(0.95, "helps"), (0.93, "level"), (0.9, "no evidence"), (0.85, "harms")]
)
def test_the_four_words(gan: float, word: str) -> None:
    scores = repeats(real=(0.9, 0.9), smote=(0.93, 0.93), gan=(gan, gan))
    found = verdicts(scores, 0.5)
    assert found["overall"]["verdict"] == word
    assert found["overall"]["alternative"] == "smote"
    assert set(found["classifiers"]) == {"svm", "k-nn"}
    assert found["classifiers"]["svm"]["scores"]["gan"] == pytest.approx(gan, abs=0.005)


def test_better_than_real_but_worse_than_the_simpler_method_is_no_evidence() -> None:
    scores = repeats(real=(0.9, 0.9), smote=(0.95, 0.95), gan=(0.93, 0.93))
    assert verdicts(scores, 0.5)["overall"]["verdict"] == "no evidence"


def test_arms_are_chosen_on_validation_and_judged_on_test() -> None:
    """smote wins on test, oversample on validation: the test split must not choose."""
    scores = repeats(
        real=(0.9, 0.9),
        smote=(0.91, 0.99),
        oversample=(0.95, 0.92),
        gan=(0.96, 0.9),
        gan_classic=(0.9, 0.99),
    )
    overall = verdicts(scores, 0.5)["overall"]
    assert (overall["gan_arm"], overall["alternative"]) == ("gan", "oversample")
    assert overall["against_alternative"]["mean"] == pytest.approx(-0.02, abs=0.003)
    assert "-2.0 points" in overall["sentence"]


def test_a_control_is_never_the_alternative() -> None:
    scores = repeats(real=(0.9, 0.9), placebo=(0.99, 0.99), gan=(0.93, 0.93))
    assert verdicts(scores, 0.5)["overall"]["alternative"] == "real"
    assert verdicts(scores, 0.5)["overall"]["verdict"] == "helps"


def test_an_interval_that_touches_zero_is_not_above_it() -> None:
    touching, above = Difference(0.1, 0.0, 0.2, 0.1), Difference(0.1, 0.05, 0.2, 0.01)
    assert judgement(touching, above) == "level"
    assert judgement(touching, touching) == "no evidence"
    assert judgement(above, above) == "helps"


def test_an_interval_without_its_test_is_not_enough() -> None:
    above, sure = Difference(0.1, 0.05, 0.2, 0.06), Difference(0.1, 0.05, 0.2, 0.01)
    assert judgement(above, sure) == "level"
    assert judgement(above, above) == "no evidence"
    assert judgement(sure, Difference(-0.1, -0.2, -0.05, 0.06)) == "helps"
    assert judgement(above, Difference(-0.1, -0.2, -0.05, 0.06)) == "no evidence"


def test_a_lift_has_to_be_worth_having() -> None:
    tiny, large = Difference(0.004, 0.003, 0.005, 0.002), Difference(0.02, 0.01, 0.03, 0.002)
    assert judgement(tiny, large, 0.5) == "level"
    assert judgement(tiny, tiny, 0.5) == "no evidence"
    assert judgement(tiny, large, 0.3) == "helps"
    assert (
        judgement(
            Difference(-0.1, -0.2, -0.05, 0.002), Difference(-0.001, -0.002, -0.0005, 0.002), 0.5
        )
        == "harms"
    )


def test_every_arm_is_measured_against_real_images() -> None:
    arms = verdicts(repeats(real=(0.9, 0.9), smote=(0.93, 0.93), gan=(0.9, 0.9)), 0.5)["overall"][
        "arms"
    ]
    assert set(arms) == {"smote", "gan"}
    assert arms["smote"]["mean"] == pytest.approx(0.03, abs=0.002)
    assert arms["smote"]["adjusted_p"] == pytest.approx(2 * arms["smote"]["p"])
    assert arms["gan"]["adjusted_p"] > 0.05


def test_without_any_effect_a_lift_is_found_in_at_most_one_run_in_twenty(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing helps: four arms scatter alike, on validation and on test, in a thousand runs."""
    monkeypatch.setattr(statistics, "RESAMPLES", 499)
    draw, words = np.random.default_rng(0), []
    for _ in range(1000):
        real, gan, *plain = draw.normal(0.9, 0.01, (4, 2, 10))
        alternative = max([real, *plain], key=lambda arm: arm[0].mean())[1]
        against = [paired_difference(gan[1], other) for other in (alternative, real[1])]
        words.append(judgement(*against))
    assert words.count("helps") / 1000 <= 0.03
    assert (words.count("helps") + words.count("level")) / 1000 <= 0.05
    assert words.count("no evidence") > 900


def test_every_class_has_a_verdict_of_its_own() -> None:
    """The GAN lifts class b alone, by four points; p is adjusted for both classes."""
    scores = repeats(real=(0.9, 0.9), smote=(0.9, 0.9), gan=(0.91, 0.91))
    lifted = (scores["arm"] == "gan") & (scores["class"] == "b")
    scores.loc[lifted, "value"] += 0.04
    scores.loc[(scores["arm"] == "gan") & (scores["class"] == "a"), "value"] -= 0.01
    classes = verdicts(scores, 0.5)["overall"]["classes"]
    assert {name: found["verdict"] for name, found in classes.items()} == {
        "a": "no evidence",
        "b": "helps",
    }
    b = classes["b"]["against_real"]
    assert b["mean"] == pytest.approx(0.05, abs=0.003)
    assert b["adjusted_p"] == pytest.approx(2 * b["p"])
    assert {"real", "gan"} <= set(classes["b"]["recall"])


def test_image_by_image_is_a_second_reading() -> None:
    scores = repeats(real=(0.9, 0.9), smote=(0.91, 0.91), gan=(0.95, 0.95))
    right = np.zeros((10, 40), bool)
    better = right.copy()
    better[:7, :30] = True  # seven repeats of ten get thirty images right
    hits = {
        (judge, arm): better if arm == "gan" else right
        for judge in ("svm", "k-nn")
        for arm in ("real", "smote", "gan")
    }
    found = verdicts(scores, 0.5, hits)["classifiers"]["svm"]["mcnemar"]
    assert found["against_real"] == {"first": 30, "second": 0, "p": pytest.approx(2 / 2**30)}


def test_validation_prefers_a_method_and_test_says_whether_it_lifts() -> None:
    scores = repeats(
        real=(0.9, 0.9), smote=(0.95, 0.9), gmm=(0.93, 0.93), gan=(0.92, 0.92), gan_classic=(1, 1)
    )
    methods = verdicts(scores, 0.5)["methods"]
    assert methods["preferred"] == "smote"
    assert methods["lifts"] == {"gan": True, "gmm": True, "smote": False}
    assert methods["validation"]["smote"] > methods["validation"]["gmm"]
