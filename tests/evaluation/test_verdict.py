import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from gan_augment.evaluation import verdict
from gan_augment.evaluation.statistics import Difference
from gan_augment.evaluation.verdict import (
    Claims,
    Judge,
    bearing,
    claims,
    gains,
    judgement,
    together,
    verdicts,
)
from tests.evaluation import worlds


def difference(mean: float, error: float, df: float = 1000) -> Difference:
    return Difference(mean, error**2, 0.0, 0.0, df, df)


def told(**arms: float | tuple[float, float]) -> dict[str, object]:
    """Return the verdicts on arms given by their accuracy, on validation and test if two."""
    pairs = {
        name.replace("_", "+"): value if isinstance(value, tuple) else (value, value)
        for name, value in arms.items()
    }
    validation, test = (worlds.steady({a: p[i] for a, p in pairs.items()}) for i in (0, 1))
    return verdicts(validation, test, 0.5)


@pytest.mark.parametrize(
    ("smote", "gan", "word"),
    [
        (0.93, 0.95, "helps"),
        (0.93, 0.93, "level"),
        (0.93, 0.915, "worse"),
        (0.9, 0.9, "no gain"),
        (0.93, 0.85, "harms"),
    ],
)
def test_the_words(smote: float, gan: float, word: str) -> None:
    found = told(real=0.9, smote=smote, gan=gan)
    assert found["overall"]["verdict"] == word
    assert word.rsplit(maxsplit=1)[-1].removesuffix("s") in found["overall"]["sentence"]
    assert set(found["classifiers"]) == {"svm", "k-nn"}
    assert found["classifiers"]["svm"]["scores"]["gan"] == pytest.approx(gan, abs=0.003)
    assert found["overall"]["scores"]["gan"] == pytest.approx(gan - 0.05, abs=0.003)


def test_arms_are_chosen_on_validation_and_judged_on_test() -> None:
    """smote wins on test, oversample on validation: the test split must not choose."""
    overall = told(
        real=0.9,
        smote=(0.91, 0.99),
        oversample=(0.95, 0.92),
        gan=(0.96, 0.9),
        gan_classic=(0.9, 0.99),
    )["overall"]
    assert (overall["gan_arm"], overall["alternative"]) == ("gan", "oversample")
    assert list(overall["alternatives"]) == ["oversample"]
    assert overall["against_alternative"]["mean"] == pytest.approx(-0.02, abs=0.003)
    assert "-2.0 points" in overall["sentence"]


def test_the_word_holds_against_every_rival_that_validation_cannot_tell_apart() -> None:
    """smote is the best on validation by a hair, gmm on test: which is named decides nothing."""
    for first, second in ((0.9301, 0.93), (0.93, 0.9301)):
        overall = told(real=0.9, smote=(first, 0.93), gmm=(second, 0.95), gan=0.95)["overall"]
        assert set(overall["alternatives"]) == {"smote", "gmm"}
        assert overall["verdict"] == "level"
        assert "gmm" in overall["sentence"]
        assert overall["probability_of_gain"] < 0.05


@pytest.mark.parametrize(
    ("others", "which"),
    [({}, "which"), ({"oversample": (0.93, 0.935)}, "the strongest of 2 others that")],
)
def test_the_sentence_names_the_rival_that_does_best_on_test(
    others: dict[str, tuple[float, float]], which: str
) -> None:
    arms = {"smote": (0.9301, 0.93), "gmm": (0.93, 0.94), **others}
    overall = told(real=0.9, gan=0.96, **arms)["overall"]
    best, *rivals = overall["alternatives"]
    strongest = min(rivals, key=lambda arm: overall["alternatives"][arm]["mean"])
    named = f" against {strongest}, {which} validation cannot tell from {best}, "
    assert named in overall["sentence"]


def test_the_sentence_tells_the_probability_of_a_gain_over_the_hardest_rival() -> None:
    sure, level, half = (
        told(real=0.9, smote=0.93, gan=gan)["overall"] for gan in (0.96, 0.93, 0.935)
    )
    said = " The probability of a gain of 0.5 points or more over"
    assert sure["sentence"].endswith(f"{said} smote: over 99 %.")
    assert level["sentence"].endswith(f"{said} smote: under 1 %.")
    percent = f"{100 * half['probability_of_gain']:.0f} %"
    assert half["sentence"].endswith(f"{said} smote: {percent}.")
    assert 0.2 < half["probability_of_gain"] < 0.8
    two = told(real=0.9, smote=(0.93, 0.92), gmm=(0.93, 0.94), gan=0.96)["overall"]
    assert two["sentence"].endswith(f"{said} gmm, the hardest to beat: over 99 %.")


def test_an_arm_that_validation_tells_apart_is_no_rival() -> None:
    overall = told(real=0.9, smote=(0.93, 0.93), gmm=(0.9, 0.95), gan=0.95)["overall"]
    assert set(overall["alternatives"]) == {"smote"}
    assert overall["verdict"] == "helps"
    assert overall["probability_of_gain"] > 0.95


def test_without_an_arm_of_the_gan_the_word_is_that_nothing_was_made() -> None:
    found = told(real=0.9, classic=0.93, placebo=0.99)
    for one in (found["overall"], *found["classifiers"].values()):
        assert (one["verdict"], one["gan_arm"]) == ("nothing made", None)
        assert one["alternative"] == "classic"
        assert one["beats_real"] is False
        assert one["arms"]["classic"]["mean"] == pytest.approx(0.03, abs=0.003)
    assert found["overall"]["sentence"].startswith("No synthetic image was made, so")
    assert "classic: +3.0 points" in found["overall"]["sentence"]
    alone = told(real=0.9)["overall"]
    assert (alone["alternative"], alone["arms"]) == ("real", {})
    assert alone["sentence"] == "No synthetic image was made, so there is none to judge."


def test_a_classifier_that_cannot_see_the_gan_is_told_and_does_not_count_in_the_mean() -> None:
    validation, test = (
        replace(world, right={k: v for k, v in world.right.items() if k != ("k-nn", "gan")})
        for world in [worlds.steady({"real": 0.9, "gan": 0.95})] * 2
    )
    found = verdicts(validation, test, 0.5)
    assert together(test) == ("svm",)
    assert found["overall"]["verdict"] == found["classifiers"]["svm"]["verdict"] == "helps"
    assert found["overall"]["scores"] == found["classifiers"]["svm"]["scores"]
    blind = found["classifiers"]["k-nn"]
    assert (blind["verdict"], set(blind["scores"])) == ("not judged", {"real"})
    assert blind["sentence"] == "k-nn was trained on no arm with the GAN."


def test_a_control_is_never_the_alternative() -> None:
    found = told(real=0.9, placebo=0.99, gan=0.93)["overall"]
    assert (found["alternative"], found["verdict"]) == ("real", "helps")
    assert found["placebo"]["mean"] == pytest.approx(-0.06, abs=0.003)
    assert told(real=0.9, gan=0.93)["overall"]["placebo"] is None


def test_claims_by_hand() -> None:
    """p-values of Student's t at so many errors from what must be excluded, the largest of each."""
    t = stats.t(1000)
    near, far, below = difference(0.02, 0.01), difference(0.03, 0.01), difference(-0.01, 0.01)
    lower = difference(-0.03, 0.01)
    assert claims([far, near], below, 0.5) == pytest.approx(
        (2 * t.sf(2), t.sf(2.5), 1, 1, t.sf(1.5), 2 * t.sf(1))
    )
    assert claims([below, near], near, 0.5) == pytest.approx(
        (1, t.cdf(0.5), 1, 2 * t.sf(2), t.cdf(1.5), 1)
    )
    assert claims([lower, below], far, 0.5).worse == pytest.approx(2 * t.sf(1))


@pytest.mark.parametrize(
    ("sure", "word"),
    [
        ({"harms", "gains", "better", "worse"}, "harms"),
        ({"gains", "better", "not_worse", "worse"}, "helps"),
        ({"gains", "not_worse", "worse"}, "level"),
        ({"better", "not_worse"}, "undecided"),
        ({"better", "not_worse", "no_gain"}, "no gain"),
        ({"gains", "worse", "no_gain"}, "worse"),
        ({"gains"}, "undecided"),
    ],
)
def test_a_word_is_said_of_what_is_less_likely_than_one_in_twenty(
    sure: set[str], word: str
) -> None:
    p = Claims(*(0.0499 if claim in sure else 0.05 for claim in Claims._fields))
    assert judgement(p) == word


def test_a_gain_is_worth_having_from_the_margin_on() -> None:
    assert gains(difference(0.005, 0.001), 0.5)
    assert not gains(difference(0.0049, 0.001), 0.5)
    assert not gains(difference(-0.01, 0.001), -2)
    assert not gains(difference(0.01, 0.01), 0.5)


def test_a_difference_is_told_with_both_intervals() -> None:
    found = difference(0.02, 0.01)
    reach, reach_90 = (0.01 * stats.t.ppf(one, 1000) for one in (0.975, 0.95))
    assert verdict.told(found) == pytest.approx(
        {
            "mean": 0.02,
            "low": 0.02 - reach,
            "high": 0.02 + reach,
            "low_90": 0.02 - reach_90,
            "high_90": 0.02 + reach_90,
            "p": 2 * stats.t.sf(2, 1000),
            "error": 0.01,
        }
    )


def test_guesses_get_one_class_of_how_many_right() -> None:
    found = told(real=0.9, gan=0.95)["classifiers"]["svm"]
    assert found["chance"] == 0.5
    assert found["above_chance"]["mean"] == pytest.approx(0.4, abs=0.003)


def test_one_distribution_gives_interval_p_and_word() -> None:
    sure, unsure = difference(0.02, 0.0101), difference(0.02, 0.0103)
    for one, word in ((sure, "helps"), (unsure, "undecided")):
        low, _ = one.interval(0.95)
        assert (low > 0) == (one.p < 0.05) == (word == "helps")
        assert judgement(claims([one], one, 0.5)) == word


def test_helps_needs_a_gain_worth_having_against_all() -> None:
    tiny, large = difference(0.004, 0.0005), difference(0.02, 0.002)
    assert judgement(claims([large, large], large, 0.5)) == "helps"
    assert judgement(claims([large, tiny], large, 0.5)) == "level"
    assert judgement(claims([large], tiny, 0.5)) == "no gain"
    assert judgement(claims([tiny], large, 0.3)) == "helps"


def test_level_is_a_claim_of_its_own() -> None:
    """The 90 % interval ends above −0.5 points, or there is no telling."""
    large = difference(0.02, 0.002)
    assert judgement(claims([difference(0.0, 0.0030)], large, 0.5)) == "level"
    assert judgement(claims([difference(0.0, 0.0031)], large, 0.5)) == "undecided"
    assert judgement(claims([difference(0.0, 0.001), difference(0.0, 0.01)], large, 0.5)) == (
        "undecided"
    )


def test_harm_is_harm_however_small_and_comes_first() -> None:
    harm, large = difference(-0.002, 0.0005), difference(0.02, 0.001)
    assert judgement(claims([large], harm, 0.5)) == "harms"
    assert judgement(claims([difference(-0.02, 0.001)], large, 0.5)) == "worse"
    assert judgement(claims([difference(-0.02, 0.001), large], large, 0.5)) == "undecided"


def test_every_arm_is_measured_against_real_images() -> None:
    arms = told(real=0.9, smote=0.93, gan=0.9)["overall"]["arms"]
    assert set(arms) == {"smote", "gan"}
    assert arms["smote"]["mean"] == pytest.approx(0.03, abs=0.002)
    assert arms["smote"]["adjusted_p"] == pytest.approx(2 * arms["smote"]["p"])
    assert arms["gan"]["adjusted_p"] > 0.05


def test_the_mean_is_over_arms_that_all_classifiers_share() -> None:
    world = worlds.steady({"real": 0.9, "smote": 0.92, "gan": 0.95})
    del world.right["k-nn", "smote"]  # type: ignore[attr-defined]
    found = verdicts(world, world, 0.5)
    assert set(found["overall"]["scores"]) == {"real", "gan"}
    assert set(found["classifiers"]["svm"]["scores"]) == {"real", "smote", "gan"}


@pytest.mark.parametrize("seed", [1, 2])
def test_undecided_tells_how_many_images_would_decide(seed: int) -> None:
    """What is said is tried: on as many images, each several times over, it is decided."""
    arms = {"real": 0.0, "smote": 0.1, "gan": 0.3}
    validation, test = (
        worlds.random(np.random.default_rng(seed + n), [60] * 2, 6, arms, kept=0.5) for n in (0, 10)
    )
    found = verdicts(validation, test, 0.5)["overall"]
    assert found["verdict"] == "undecided"
    told = re.search(r"About ([\d,]+) test images instead of 120 would decide", found["sentence"])
    assert told
    times = int(told[1].replace(",", "")) / 120
    for factor, decided in ((0.85 * times, False), (times, True)):
        judge = Judge(validation, test, ("svm",), 0.5, 1.0)
        rivals = [judge.difference(test, found["gan_arm"], arm) for arm in found["alternatives"]]
        real = judge.difference(test, found["gan_arm"], "real")
        p = claims([one.on(factor) for one in rivals], real.on(factor), 0.5)
        assert (judgement(p) != "undecided") == decided


def test_where_repeats_scatter_no_number_of_images_decides() -> None:
    draw = np.random.default_rng(0)
    test = worlds.random(draw, [2000] * 2, 6, {"real": 0.0, "gan": 0.02}, luck=0.3)
    sentence = verdicts(test, test, 0.5)["overall"]["sentence"]
    assert "More test images would not decide it, more repeats could" in sentence


def outlook(against: Difference, real: Difference, images: int = 120) -> str:
    judge = SimpleNamespace(min_gain=0.5, test=SimpleNamespace(images=images))
    return verdict._outlook({"smote": against}, real, judge)  # type: ignore[arg-type]


def test_the_outlook_by_hand() -> None:
    """Standard errors shrink with the root of the images: those of repeats do not."""
    large = difference(0.05, 0.001)
    # It is level where 2 + 0.5 points are 1.645 errors of 2 √(1/times): from 1.73 times on, which
    # in steps of 8 % is 1.87, 224 images.
    assert outlook(difference(0.02, 0.02), large) == (
        "About 230 test images instead of 120 would decide it."
    )
    scattered = Difference(0.02, 0.001**2, 0.02**2, 0.0, 1000, 1000)
    assert outlook(scattered, large).endswith("more repeats could: they scatter too much.")
    # What is a hair less than a gain worth having is neither a gain nor surely none.
    never = "Not even a hundred times as many test images would decide it."
    assert outlook(large, difference(0.00499, 0.001)) == never
    assert outlook(difference(0.0, 0.2), difference(0.0, 0.2)) == never


def test_nobody_is_asked_for_more_than_a_hundred_times_the_images() -> None:
    """The error falls to a tenth: 2.5 points are 1.645 errors of 1.52 points."""
    large = difference(0.05, 0.001)
    within, beyond = (outlook(difference(0.02, error), large) for error in (0.1515, 0.1525))
    assert within == "About 12,000 test images instead of 120 would decide it."
    scattered = Difference(0.02, 0.1515**2, 0.02**2, 0.0, 1000, 1000)
    assert "more repeats could" in outlook(scattered, large)
    # 50 times are wanted; of 60 steps to a hundred the 52nd is 53.5 times.
    assert outlook(difference(0.02, 0.1074), large).startswith("About 6,500 test images")
    assert beyond == "Not even a hundred times as many test images would decide it."


@pytest.mark.parametrize(
    ("number", "rounded"),
    [(7.2, 8), (99, 99), (99.1, 100), (100, 100), (101, 110), (1234, 1300), (98_765, 99_000)],
)
def test_numbers_of_images_are_rounded_up_to_two_digits(number: float, rounded: int) -> None:
    assert verdict._rounded_up(number) == rounded


@pytest.mark.parametrize(
    ("mean", "said"),
    [
        (0.005, "50 %"),
        (0.005 + 0.0244, "over 99 %"),
        (0.005 + 0.022, "99 %"),
        (0.005 - 0.0244, "under 1 %"),
        (0.005 - 0.022, "1 %"),
    ],
)
def test_a_probability_is_told_in_per_cent(mean: float, said: str) -> None:
    judge = SimpleNamespace(min_gain=0.5)
    against = {"smote": difference(mean, 0.01), "gmm": difference(0.5, 0.01)}
    assert verdict._probability(against, judge) == said  # type: ignore[arg-type]


def test_every_class_has_a_verdict_of_its_own() -> None:
    """The GAN lifts class b alone, by four points; claims are adjusted for both classes."""
    world = worlds.steady({"real": 0.9, "smote": 0.9, "gan": 0.9})
    better = worlds.steady({"real": 0.9, "smote": 0.9, "gan": 0.95})
    for key in world.right:
        lifted = world.label == 1
        world.right[key][lifted] = better.right[key][lifted]
    classes = verdicts(world, world, 0.5)["overall"]["classes"]
    assert {name: found["verdict"] for name, found in classes.items()} == {
        "a": "no gain",
        "b": "helps",
    }
    b = classes["b"]["against_real"]
    assert b["mean"] == pytest.approx(0.05, abs=0.005)
    assert b["adjusted_p"] == pytest.approx(2 * b["p"])
    assert set(classes["b"]["recall"]) == {"real", "gan"}


def test_a_class_without_synthetic_images_has_no_word() -> None:
    world = worlds.steady({"real": 0.9, "gan": 0.95})
    classes = verdicts(world, world, 0.5, filled=["b"])["overall"]["classes"]
    assert (classes["a"]["verdict"], classes["b"]["verdict"]) == (None, "helps")
    assert classes["a"]["against_real"]["mean"] == pytest.approx(0.05, abs=0.005)


@pytest.mark.parametrize(
    ("smote", "gan", "arm"),
    [
        (0.93, 0.95, "smote"),
        (0.93, 0.93, "smote"),
        (0.93, 0.915, "smote"),
        (0.9, 0.9, "real"),
        (0.93, 0.85, "real"),
    ],
)
def test_a_word_names_the_comparison_that_it_rests_on(smote: float, gan: float, arm: str) -> None:
    found = told(real=0.9, smote=smote, gan=gan)["overall"]["classes"]["a"]
    rests_on, kind = found["rests_on"], "against_real" if arm == "real" else "against_alternative"
    assert rests_on["against"] == arm
    assert [rests_on[key] for key in ("mean", "low", "p")] == [
        found[kind][key] for key in ("mean", "low", "p")
    ]
    assert rests_on["adjusted_p"] < 0.05
    assert (found["images"], found["groups"]) == (1000, 1000)


def test_of_several_rivals_a_word_rests_on_the_one_that_comes_nearest_to_not() -> None:
    near, far = difference(0.02, 0.005), difference(0.05, 0.005)
    behind = {"near": difference(-0.02, 0.005), "far": difference(-0.05, 0.005)}
    assert bearing("helps", {"far": far, "near": near}, 0.5) == "near"
    assert bearing("level", {"far": far, "near": near}, 0.5) == "near"
    assert bearing("worse", behind, 0.5) == "near"
    assert bearing("undecided", {"first": far, "near": near}, 0.5) == "first"
    assert bearing(None, {"first": far, "near": near}, 0.5) == "first"


def test_an_arm_that_nobody_can_follow_is_judged_only_where_there_is_no_other() -> None:
    """Images that passed no gate ship with nobody."""
    pairs = {"real": 0.9, "gan-raw": 0.99, "gan": 0.95}
    worlds_of = (worlds.steady(pairs), worlds.steady({"real": 0.9, "gan-raw": 0.99}))
    arms = [verdicts(world, world, 0.5)["overall"]["gan_arm"] for world in worlds_of]
    assert arms == ["gan", "gan-raw"]


def words(arms: dict[str, float], runs: int, **scatter: float) -> list[str]:
    """Return the words of so many runs, each with images and repeats of its own.

    Choices are made on validation images, by classifiers as lucky there as on the test images.
    """
    draw, said = np.random.default_rng(0), []
    for _ in range(runs):
        both = worlds.random(draw, [25] * 8, 6, arms, **scatter)
        first = both.label < 4
        validation, test = (part(both, rows) for rows in (first, ~first))
        judge = Judge(validation, test, ("svm",), 0.5, 1.0)
        gan_arm, best = judge.best(judge.of_kind("gan")), judge.best(judge.of_kind("plain"))
        against = [judge.difference(test, gan_arm, arm) for arm in judge.rivals(best)]
        said.append(judgement(claims(against, judge.difference(test, gan_arm, "real"), 0.5)))
    return said


def part(world: worlds.Outcomes, rows: np.ndarray) -> worlds.Outcomes:
    right = {key: found[rows] for key, found in world.right.items()}
    return worlds.Outcomes(
        world.repeat[rows], world.label[rows], world.group[rows], world.classes, right
    )


@pytest.mark.parametrize("scatter", [{}, {"kept": 0.5, "luck": 0.05}])
def test_without_any_effect_a_word_is_said_in_at_most_one_run_in_twenty(
    scatter: dict[str, float],
) -> None:
    """Nothing helps: real, two others and two arms with the GAN, in a thousand runs."""
    arms = dict.fromkeys(("real", "smote", "gmm", "gan", "gan+gmm"), 0.0)
    said = words(arms, 1000, **scatter)
    for word in ("helps", "level", "harms", "worse"):
        assert said.count(word) / 1000 <= 0.05, word
    assert said.count("helps") + said.count("level") <= 50
    assert said.count("undecided") > 800


def test_level_is_not_said_of_an_arm_that_is_worse_by_the_margin() -> None:
    """The GAN is 0.5 points and more below smote, far above real: level is wrong."""
    shift = 0.4
    smote = next(
        s
        for s in np.linspace(shift, 2, 1000)
        if worlds.accuracy(s, 0, 0) >= worlds.accuracy(shift, 0, 0) + 0.005
    )
    said = words({"real": 0.0, "smote": smote, "gan": shift}, 600)
    assert said.count("level") / 600 <= 0.05
    assert said.count("helps") / 600 <= 0.05


def test_a_gain_of_many_points_is_found() -> None:
    said = words({"real": 0.0, "smote": 0.0, "gan": 1.0}, 100)
    assert said.count("helps") > 90
