"""What should be reached, and whether it was; GOALS is the engine's, beside its peers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

Results = Mapping[str, Mapping[str, Any]]


class Goal(NamedTuple):
    """A number that should be large enough.

    Attributes:
        words: what it is.
        value: the number, of the results by contestant; KeyError where one is missing.
        least: what it should reach.
        form: how to write it.
        above: whether reaching `least` is not enough.
    """

    words: str
    value: Callable[[Results], float]
    least: float
    form: str
    above: bool = False


def goals(results: Results, wanted: Sequence[Goal] | None = None) -> list[dict[str, Any]]:
    """Return a row for each goal that can be judged by these results."""
    rows = []
    for goal in GOALS if wanted is None else wanted:
        try:
            value = goal.value(results)
        except KeyError:  # a contestant was left out
            continue
        met = value > goal.least if goal.above else value >= goal.least
        rows.append(
            {
                "goal": goal.words,
                "wanted": f"{'>' if goal.above else '≥'} {goal.form.format(goal.least)}",
                "reached": goal.form.format(value),
                "value": value,
                "met": met,
            }
        )
    return rows


def _ratio(key: str, other: str) -> Callable[[Results], float]:
    return lambda results: float(results["engine"][key] / results[other][key])


def _least_lead(other: str) -> Callable[[Results], float]:
    """Return by how much the engine's CAS is better, at the mark where it is least so."""
    return lambda results: min(
        mine["cas"] - theirs["cas"]
        for mine, theirs in zip(results["engine"]["marks"], results[other]["marks"], strict=True)
    )


def _share(results: Results) -> float:
    engine = results["engine"]
    return float(engine["share"][engine["precision"]])


GOALS = (
    Goal(
        "training speed, to the plain loop's", _ratio("train_images_per_s", "plain"), 2, "{:.2f}×"
    ),
    Goal("share of the limit", _share, 0.4, "{:.0%}"),
    Goal(
        "generation speed, to diffusion's",
        _ratio("sample_images_per_s", "diffusion"),
        100,
        "{:.0f}×",
    ),
    Goal("CAS, lead over torchgan", _least_lead("torchgan_acgan"), 0, "{:+.3f}", above=True),
    Goal("CAS, lead over diffusion", _least_lead("diffusion"), 0, "{:+.3f}", above=True),
)
