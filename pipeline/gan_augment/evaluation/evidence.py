"""How little a verdict may rest on: few images, judges that guess, gains that noise has too."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from gan_augment.evaluation.statistics import SIGNIFICANCE, points

PLACEBO = "placebo"
FEW_IMAGES = 20
"""Test images of a class: of fewer, each is five points of its recall or more, and they know it to
±20 points at best (Wilson)."""
FEW_GROUPS = 10
"""Groups of a class: how much fewer vary is hardly known, so that intervals turn out too short
(Cameron, Gelbach & Miller 2008)."""
MOST_NAMES = 5
NOISE = {"as well": "does as well as", "not told apart": "is not surely worse than"}


def cautions(
    overall: Mapping[str, Any],
    classifiers: Mapping[str, Mapping[str, Any]],
    said: str,
    classes: Collection[str] = (),
) -> list[str]:
    """Return what a reader must know before believing a verdict, a sentence each.

    Args:
        overall: the verdict on the mean over classifiers, as `verdicts` has it.
        classifiers: those of each.
        said: what `noise` says.
        classes: the names of all classes, with test images or without.
    """
    found = [*_guessing(classifiers), *_unseen(overall, classes), *_thin(overall)]
    if said:
        compared = f"gan is {points(overall['placebo'])} against as many images of noise"
        found.append(f"Noise {NOISE[said]} the images of the GAN: {compared}.")
    return found


def noise(placebo: Mapping[str, float] | None, min_gain: float) -> str:
    """Return how images of noise do beside the GAN's: "as well", "not told apart", else "".

    As well is less than `min_gain` points (0–100) behind, whether or not that is sure.
    """
    if placebo is None:
        return ""
    if 100 * placebo["mean"] < min_gain:
        return "as well"
    return "" if _surely_above(placebo) else "not told apart"


def _guessing(classifiers: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield classifiers that cannot be told from guesses, trained by the best arm without a GAN."""
    for name, found in classifiers.items():
        if not _surely_above(found["above_chance"]):
            arm, chance = found["alternative"], 100 * found["chance"]
            score = 100 * found["scores"][arm]
            yield (
                f"{name} may be guessing: {score:.1f} % by {arm}, {chance:.1f} % by chance. "
                "What it says of arms means little."
            )


def _unseen(overall: Mapping[str, Any], classes: Collection[str]) -> Iterator[str]:
    """Yield the classes without test images."""
    if unseen := [name for name in classes if name not in overall["classes"]]:
        yield (
            f"The verdict is about {len(overall['classes'])} of {len(classes)} classes: "
            f"there is no test image of {_listed(unseen)}."
        )


def _thin(overall: Mapping[str, Any]) -> Iterator[str]:
    """Yield the classes with few test images or groups, and their part of the difference."""
    classes = overall["classes"]
    thin = {
        name: found
        for name, found in classes.items()
        if found["images"] < FEW_IMAGES or found["groups"] < FEW_GROUPS
    }
    if not thin:
        return
    ranked = sorted(thin, key=lambda name: (thin[name]["groups"], thin[name]["images"]))
    names = _listed([f"{name} ({_size(thin[name])})" for name in ranked])
    few = f"fewer than {FEW_IMAGES} test images, or than {FEW_GROUPS} groups of them: {names}."
    if len(thin) == len(classes):
        yield f"Thin evidence: every class has {few}"
        return
    have = "classes has" if len(thin) == 1 else "classes have"
    told = f"Thin evidence: {len(thin)} of {len(classes)} {have} {few}"
    if overall["against_alternative"] is not None:
        whole = overall["against_alternative"]["mean"]
        part = sum(found["against_alternative"]["mean"] for found in thin.values()) / len(classes)
        all_of, theirs, others = (round(100 * x, 1) + 0.0 for x in (whole, part, whole - part))
        told += f" Of {all_of:+.1f} points against {overall['alternative']}, {theirs:+.1f} come "
        told += f"from there, {others:+.1f} from all others."
    yield told


def _listed(names: Sequence[str]) -> str:
    """Return the first few names, and how many more there are."""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more


def _size(found: Mapping[str, Any]) -> str:
    of = f" of {found['groups']} groups" if found["groups"] < found["images"] else ""
    return f"{found['images']} images{of}"


def _surely_above(difference: Mapping[str, float]) -> bool:
    return difference["mean"] > 0 and difference["p"] < SIGNIFICANCE
