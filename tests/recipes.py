"""Recipes as verdict.json has them, made up."""

from collections.abc import Mapping, Sequence
from typing import Any

SETTINGS = {
    "share": 0.0,
    "again": 0.0,
    "class_weights": None,
    "classic": None,
    "mix": None,
    "weighted": False,
    "soft": False,
    "validation": 0.9,
    "score": 0.9,
}


def recipe(
    methods: Sequence[str] = (),
    validation: float = 0.9,
    beats_real: bool = True,
    **classifiers: Mapping[str, Any],
) -> dict[str, Any]:
    """Return an arm's entry; the first of its classifiers is its own, by default one k-NN."""
    share = {"share": 1.0} if methods else {}
    settings = classifiers or {"k-nn": share}
    difference = {"mean": 0.01, "low": 0.0, "high": 0.02}
    return {
        "methods": list(methods),
        "classifier": next(iter(settings)).replace("_", "-"),
        "classifiers": {
            name.replace("_", "-"): {**SETTINGS, **found} for name, found in settings.items()
        },
        "validation": validation,
        "score": {"mean": 0.91, "low": 0.9, "high": 0.92},
        "against_real": difference,
        "beats_real": beats_real,
    }
