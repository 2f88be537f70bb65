"""The verdict: one word, with the evidence for it.

- `helps`: the best GAN arm beats the best arm without a GAN, by `min_gain` points or more.
- `level`: it beats training on the real images alone by as much, but cannot be told from the best
  arm without a GAN, which is named.
- `harms`: it is worse than training on the real images alone.
- `no evidence`: anything else.

One beats the other if the whole interval is above zero and the sign-flip test agrees: with ten
repeats the interval alone is too narrow, and would find a difference twice as often as it says.

Which arm is best on either side is chosen on the validation split; the words are about the test
split.
"""

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.evaluation.arms import ARMS
from pipeline.evaluation.statistics import Difference, holm, paired_difference

METRIC = "balanced_accuracy"
SIGNIFICANCE = 0.05
MEAN = "mean over classifiers"


def verdicts(repeats: pd.DataFrame, min_gain: float) -> dict[str, Any]:
    """Return the verdict over all classifiers and for each.

    Args:
        repeats: tidy table with columns repeat, classifier, arm, split, metric, class, value.
        min_gain: points that a lift must have.

    Returns:
        `overall` (on the mean over classifiers, repeat by repeat) and `classifiers` (by name), each
        with verdict, sentence, gan_arm, alternative, scores, against_alternative, against_real and,
        for every other arm in `arms`, the difference to real images alone with `adjusted_p`.
    """
    scores = repeats[repeats["metric"] == METRIC]
    # An arm that only some classifiers can be trained on has no mean over all of them.
    judges = scores.groupby("arm")["classifier"].transform("nunique")
    shared = scores[judges == scores["classifier"].nunique()]
    mean = shared.groupby(["repeat", "arm", "split"])["value"].mean().reset_index()
    return {
        "overall": _verdict(mean, MEAN, min_gain),
        "classifiers": {
            name: _verdict(scores[scores["classifier"] == name], name, min_gain)
            for name in scores["classifier"].unique()
        },
    }


def _verdict(scores: pd.DataFrame, judge: str, min_gain: float) -> dict[str, Any]:
    gan_arm = _best_on_validation(scores, "gan")
    alternative = _best_on_validation(scores, "plain")
    against_alternative = paired_difference(
        _on_test(scores, gan_arm), _on_test(scores, alternative)
    )
    against_real = paired_difference(_on_test(scores, gan_arm), _on_test(scores, "real"))
    word = judgement(against_alternative, against_real, min_gain)
    return {
        "verdict": word,
        "sentence": _sentence(word, judge, gan_arm, alternative, against_alternative, against_real),
        "gan_arm": gan_arm,
        "alternative": alternative,
        "scores": {arm: float(_on_test(scores, arm).mean()) for arm in scores["arm"].unique()},
        "against_alternative": asdict(against_alternative),
        "against_real": asdict(against_real),
        "arms": _every_arm(scores),
    }


def judgement(
    against_alternative: Difference, against_real: Difference, min_gain: float = 0.0
) -> str:
    """Return the word for two differences: to the best plain arm, and to real images alone.

    Args:
        against_alternative: a difference of shares, 0–1.
        against_real: another.
        min_gain: points, 0–100.
    """

    def lift(difference: Difference) -> bool:
        sure = difference.low > 0 and difference.p < SIGNIFICANCE
        return sure and 100 * difference.mean >= min_gain

    if lift(against_alternative):
        return "helps"
    if against_real.high < 0 and against_real.p < SIGNIFICANCE:
        return "harms"
    if lift(against_real) and against_alternative.high >= 0:
        return "level"
    return "no evidence"


def _every_arm(scores: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return each arm's difference to real images alone, p adjusted for their number (Holm)."""
    real = _on_test(scores, "real")
    others = [arm for arm in scores["arm"].unique() if arm != "real"]
    found = [paired_difference(_on_test(scores, arm), real) for arm in others]
    adjusted = holm([difference.p for difference in found])
    return {
        arm: {**asdict(difference), "adjusted_p": p}
        for arm, difference, p in zip(others, found, adjusted, strict=True)
    }


def _best_on_validation(scores: pd.DataFrame, kind: str) -> str:
    names = [name for name, arm in ARMS.items() if arm.kind == kind]
    here = scores[(scores["split"] == "validation") & scores["arm"].isin(names)]
    return str(here.groupby("arm", sort=False)["value"].mean().idxmax())


def _on_test(scores: pd.DataFrame, arm: str) -> NDArray[np.float64]:
    here = scores[(scores["split"] == "test") & (scores["arm"] == arm)]
    return here.sort_values("repeat")["value"].to_numpy(float)


def points(difference: Difference) -> str:
    """Return a difference of shares in points, e.g. "+1.2 points (0.4 to 2.0)"."""
    low, high = 100 * difference.low, 100 * difference.high
    return f"{100 * difference.mean:+.1f} points ({low:+.1f} to {high:+.1f})"


def _sentence(
    word: str,
    judge: str,
    gan_arm: str,
    alternative: str,
    against_alternative: Difference,
    against_real: Difference,
) -> str:
    to_alternative = f"{points(against_alternative)} against {alternative}"
    to_real = f"{points(against_real)} against real images alone"
    match word:
        case "helps":
            text = f"{gan_arm} helps: {to_alternative} (on validation the best without a GAN)"
        case "level":
            text = f"{gan_arm} is level with the simpler {alternative}: {to_alternative}, {to_real}"
        case "harms":
            text = f"{gan_arm} harms: {to_real}"
        case _:
            text = f"no evidence that {gan_arm} helps: {to_alternative}, {to_real}"
    return f"{text}, in balanced accuracy ({judge}; 95 % intervals)."
