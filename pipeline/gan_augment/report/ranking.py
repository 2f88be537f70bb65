"""The order in which arms are listed."""

from collections.abc import Mapping
from typing import Any


def ranked(overall: Mapping[str, Any], classifiers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return all arms, best first.

    Those that only some classifiers are trained on have no mean, and come last, each by the best
    score it has.

    Args:
        overall: the verdict on the mean over classifiers; its `scores` by arm are 0–1.
        classifiers: that of each classifier, by name.
    """
    by_all: dict[str, float] = overall["scores"]
    by_some: dict[str, float] = {}
    for found in classifiers.values():
        for arm, score in found["scores"].items():
            if arm not in by_all:
                by_some[arm] = max(score, by_some.get(arm, score))
    return [*_best_first(by_all), *_best_first(by_some)]


def _best_first(scores: Mapping[str, float]) -> list[str]:
    return sorted(scores, key=scores.__getitem__, reverse=True)
