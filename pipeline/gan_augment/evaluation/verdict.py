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

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gan_augment.evaluation.arms import ARMS
from gan_augment.evaluation.cells import Hits
from gan_augment.evaluation.scores import BALANCED_ACCURACY, RECALL
from gan_augment.evaluation.statistics import Difference, holm, mcnemar, paired_difference

SIGNIFICANCE = 0.05
MEAN = "mean over classifiers"
METHODS = ("gan", "gmm", "smote", "gan+gmm", "gan+smote")
"""Arms that train on real images and those of these methods, and on nothing else."""


def verdicts(repeats: pd.DataFrame, min_gain: float, hits: Hits | None = None) -> dict[str, Any]:
    """Return the verdict over all classifiers and for each.

    Args:
        repeats: tidy table with columns repeat, classifier, arm, split, metric, class, value.
        min_gain: points that a lift must have.
        hits: which test images were classified right, if they are the same in all repeats.

    Returns:
        `overall` (on the mean over classifiers, repeat by repeat), `classifiers` (by name) and
        `methods`. Each verdict has verdict, sentence, gan_arm, alternative, scores,
        against_alternative, against_real; for every other arm in `arms`, the difference to real
        images alone with `adjusted_p`; for every class in `classes`, its own verdict on recall; and
        with hits, for a classifier, `mcnemar`. `methods` has the one that validation `preferred`,
        their `validation` scores and `lifts`: whether each beats real images alone.
    """
    mean = _mean_over_classifiers(repeats)
    by_classifier = {}
    for name, scores in repeats.groupby("classifier", sort=False):
        found = _verdict(scores, str(name), min_gain)
        if hits:
            found["mcnemar"] = {
                f"against_{other}": asdict(
                    mcnemar(hits[str(name), found["gan_arm"]], hits[str(name), arm])
                )
                for other, arm in (("alternative", found["alternative"]), ("real", "real"))
            }
        by_classifier[str(name)] = found
    return {
        "overall": _verdict(mean, MEAN, min_gain),
        "classifiers": by_classifier,
        "methods": _methods(_balanced_accuracy(mean), min_gain),
    }


def balanced_accuracies(repeats: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Return each arm's balanced accuracy on test in each repeat, the mean over classifiers."""
    mean = _balanced_accuracy(_mean_over_classifiers(repeats))
    return {str(arm): _on_test(mean, str(arm)) for arm in mean["arm"].unique()}


def _mean_over_classifiers(repeats: pd.DataFrame) -> pd.DataFrame:
    # An arm that only some classifiers can be trained on has no mean over all of them.
    judges = repeats.groupby("arm")["classifier"].transform("nunique")
    shared = repeats[judges == repeats["classifier"].nunique()]
    keys = ["repeat", "arm", "split", "metric", "class"]
    return shared.groupby(keys, sort=False)["value"].mean().reset_index()


def _verdict(scores: pd.DataFrame, judge: str, min_gain: float) -> dict[str, Any]:
    accuracy = _balanced_accuracy(scores)
    gan_arm = _best_on_validation(accuracy, _of_kind("gan"))
    alternative = _best_on_validation(accuracy, _of_kind("plain"))
    against_alternative = _difference(accuracy, gan_arm, alternative)
    against_real = _difference(accuracy, gan_arm, "real")
    word = judgement(against_alternative, against_real, min_gain)
    return {
        "verdict": word,
        "sentence": _sentence(word, judge, gan_arm, alternative, against_alternative, against_real),
        "gan_arm": gan_arm,
        "alternative": alternative,
        "scores": {arm: float(_on_test(accuracy, arm).mean()) for arm in accuracy["arm"].unique()},
        "against_alternative": asdict(against_alternative),
        "against_real": asdict(against_real),
        "arms": _every_arm(accuracy),
        "classes": _every_class(scores, gan_arm, alternative, min_gain),
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
    if lifts(against_alternative, min_gain):
        return "helps"
    if against_real.high < 0 and against_real.p < SIGNIFICANCE:
        return "harms"
    if lifts(against_real, min_gain) and against_alternative.high >= 0:
        return "level"
    return "no evidence"


def lifts(difference: Difference, min_gain: float) -> bool:
    """Return whether a difference is surely above zero, and `min_gain` points or more."""
    sure = difference.low > 0 and difference.p < SIGNIFICANCE
    return sure and 100 * difference.mean >= min_gain


def _every_arm(accuracy: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return each arm's difference to real images alone, p adjusted for their number (Holm)."""
    others = [arm for arm in accuracy["arm"].unique() if arm != "real"]
    found = [_difference(accuracy, arm, "real") for arm in others]
    return {
        arm: {**asdict(difference), "adjusted_p": p}
        for arm, difference, p in zip(others, found, _adjusted(found), strict=True)
    }


def _every_class(
    scores: pd.DataFrame, gan_arm: str, alternative: str, min_gain: float
) -> dict[str, dict[str, Any]]:
    """Return the verdict on each class's recall, p adjusted for the number of classes (Holm)."""
    recalls = {str(name): part for name, part in _of(scores, RECALL).groupby("class", sort=False)}
    compared = {"against_alternative": alternative, "against_real": "real"}
    found = {
        key: [_difference(part, gan_arm, arm) for part in recalls.values()]
        for key, arm in compared.items()
    }
    tested = {
        key: [replace(of_class, p=p) for of_class, p in zip(each, _adjusted(each), strict=True)]
        for key, each in found.items()
    }
    arms = dict.fromkeys(["real", alternative, gan_arm])
    return {
        name: {
            "verdict": judgement(
                tested["against_alternative"][number], tested["against_real"][number], min_gain
            ),
            "recall": {arm: float(_on_test(part, arm).mean()) for arm in arms},
            **{
                key: {**asdict(found[key][number]), "adjusted_p": tested[key][number].p}
                for key in compared
            },
        }
        for number, (name, part) in enumerate(recalls.items())
    }


def _methods(accuracy: pd.DataFrame, min_gain: float) -> dict[str, Any]:
    """Return which generative method does best on validation, and which beat real images alone."""
    present = [arm for arm in METHODS if arm in set(accuracy["arm"])]
    if not present:
        return {"preferred": None, "validation": {}, "lifts": {}}
    return {
        "preferred": _best_on_validation(accuracy, present),
        "validation": {arm: float(_on(accuracy, arm, "validation").mean()) for arm in present},
        "lifts": {arm: lifts(_difference(accuracy, arm, "real"), min_gain) for arm in present},
    }


def _adjusted(differences: Sequence[Difference]) -> list[float]:
    return holm([difference.p for difference in differences])


def _difference(scores: pd.DataFrame, first: str, second: str) -> Difference:
    return paired_difference(_on_test(scores, first), _on_test(scores, second))


def _of_kind(kind: str) -> list[str]:
    return [name for name, arm in ARMS.items() if arm.kind == kind]


def _best_on_validation(scores: pd.DataFrame, arms: Sequence[str]) -> str:
    here = scores[(scores["split"] == "validation") & scores["arm"].isin(arms)]
    return str(here.groupby("arm", sort=False)["value"].mean().idxmax())


def _balanced_accuracy(scores: pd.DataFrame) -> pd.DataFrame:
    return _of(scores, BALANCED_ACCURACY)


def _of(scores: pd.DataFrame, metric: str) -> pd.DataFrame:
    return scores[scores["metric"] == metric]


def _on_test(scores: pd.DataFrame, arm: str) -> NDArray[np.float64]:
    return _on(scores, arm, "test")


def _on(scores: pd.DataFrame, arm: str, split: str) -> NDArray[np.float64]:
    here = scores[(scores["split"] == split) & (scores["arm"] == arm)]
    return here.sort_values("repeat")["value"].to_numpy(float)


def points(difference: Difference, unit: str = " points") -> str:
    """Return a difference of shares in points, e.g. "+1.2 points (+0.4 to +2.0)"."""
    mean, low, high = (100 * share for share in (difference.mean, difference.low, difference.high))
    return f"{mean:+.1f}{unit} ({low:+.1f} to {high:+.1f})"


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
