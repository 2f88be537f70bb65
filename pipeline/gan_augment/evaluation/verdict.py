"""The verdict: one word, with the evidence for it; docs/verdict.md says what each word claims.

The GAN arm that does best on validation is compared on test images with `real` and with its rivals:
the arms without a GAN that validation cannot tell from the best of them. A word holds against each
of them, so which of them is named decides nothing (an intersection-union test: Berger & Hsu 1996).
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from gan_augment.decision import GAN, NOTHING_MADE
from gan_augment.evaluation import evidence
from gan_augment.evaluation.arms import ARMS, followable
from gan_augment.evaluation.outcomes import Outcomes
from gan_augment.evaluation.statistics import SIGNIFICANCE, Difference, Floats, holm, points

MEAN = "mean over classifiers"
UNDECIDED = "undecided"
NOT_JUDGED = "not judged"
"""Of a classifier that was trained on no arm with the GAN."""
NO_IMAGE_MADE = "No synthetic image was made, so there is none to judge."
TIMES = np.geomspace(1, 100, 60).tolist()
"""Times the test images there are: nobody gets more than a hundred."""


def verdicts(
    validation: Outcomes,
    test: Outcomes,
    min_gain: float,
    filled: Collection[str] | None = None,
    overlap: float = 1.0,
    classes: Collection[str] = (),
) -> dict[str, Any]:
    """Return the verdict over all classifiers and for each.

    Args:
        validation: outcomes on the images that arms are chosen by.
        test: outcomes of the same arms on those that they are judged by.
        min_gain: points that a gain must have, 0–100.
        filled: names of the classes that got synthetic images; None is all.
        overlap: times what repeats add to the variance; see `Difference`.
        classes: names of all classes, so that those without test images are told.

    Returns:
        `overall` (on the mean over classifiers, of the arms that all were trained on; without those
        that saw no arm with the GAN, if others did),
        and `classifiers` (by name). Each verdict has verdict, sentence, gan_arm,
        alternative, scores, against_alternative, against_real, `alternatives` (the difference to
        each rival), `beats_real`, `probability_of_gain` (that it is better by `min_gain` than the
        rival that is hardest to beat), `chance` (the balanced accuracy of guesses) and
        `above_chance` (the difference of the alternative to it), `placebo` (the difference of the
        arm `gan` to it, if both are there); for every other arm in `arms`, the difference to real
        images alone with `adjusted_p`; for every class in `classes`, its own verdict on recall.
        `overall` has `noise` and `cautions`, see `evidence`. Without an arm with the GAN the word
        is `nothing made`, or of a classifier that saw none `not judged`, and what is about that arm
        is None or empty.
    """
    names = list(dict.fromkeys(name for name, _ in test.right))
    judges = {name: Judge(validation, test, (name,), min_gain, overlap) for name in names}
    mean = Judge(validation, test, together(test), min_gain, overlap)
    overall = _verdict(mean, MEAN, filled)
    classifiers = {name: _verdict(judge, name, filled) for name, judge in judges.items()}
    noise = evidence.noise(overall["placebo"], min_gain)
    cautions = evidence.cautions(overall, classifiers, noise, classes)
    return {
        "overall": {**overall, "noise": noise, "cautions": cautions},
        "classifiers": classifiers,
    }


def together(outcomes: Outcomes) -> tuple[str, ...]:
    """Return the classifiers whose mean counts: those that were trained on an arm with the GAN.

    If none was, all.
    """
    names = dict.fromkeys(name for name, _ in outcomes.right)
    able = {name for name, arm in outcomes.right if ARMS[arm].kind == "gan"}
    return tuple(name for name in names if name in able or not able)


@dataclass(frozen=True)
class Judge:
    """What classifiers say of the arms that all of them were trained on, on their mean."""

    validation: Outcomes
    test: Outcomes
    classifiers: tuple[str, ...]
    min_gain: float
    overlap: float

    @cached_property
    def arms(self) -> list[str]:
        """The arms, in the order in which they were asked for."""
        names = dict.fromkeys(arm for _, arm in self.test.right)
        return [a for a in names if all((c, a) in self.test.right for c in self.classifiers)]

    def score(self, outcomes: Outcomes, arm: str) -> float:
        """Return an arm's balanced accuracy, 0–1."""
        return float(outcomes.cases.scores(self._right(outcomes, arm)).mean())

    def difference(self, outcomes: Outcomes, first: str, second: str) -> Difference:
        """Return by how much the first arm is better than the second."""
        right = self._right(outcomes, first) - self._right(outcomes, second)
        return outcomes.cases.difference(right, self.overlap)

    @property
    def chance(self) -> float:
        """The balanced accuracy of guesses, 0–1."""
        return 1 / len(self.test.classes)

    def above_chance(self, arm: str) -> Difference:
        """Return by how much an arm is better on the test images than guesses."""
        right = self._right(self.test, arm) - self.chance
        return self.test.cases.difference(right, self.overlap)

    def best(self, arms: Sequence[str]) -> str:
        """Return the arm that does best on validation; the first of several that are equal."""
        return max(arms, key=lambda arm: self.score(self.validation, arm))

    def of_kind(self, kind: str) -> list[str]:
        """Return the arms of a kind."""
        return [arm for arm in self.arms if ARMS[arm].kind == kind]

    def rivals(self, best: str) -> list[str]:
        """Return the arms without a GAN that are within one standard error of the best."""
        behind = {
            arm: self.difference(self.validation, best, arm)
            for arm in self.of_kind("plain")
            if arm != best
        }
        return [best, *(arm for arm, found in behind.items() if found.mean <= found.error)]

    def _right(self, outcomes: Outcomes, arm: str) -> Floats:
        right = [outcomes.right[name, arm] for name in self.classifiers]
        return np.mean(right, axis=0) if len(right) > 1 else right[0]


class Claims(NamedTuple):
    """What may be said of an arm: p-values, each the largest over those it must hold against.

    Attributes:
        better: better than every rival, and by `min_gain`.
        not_worse: worse than none of them by `min_gain` (Schuirmann 1987, or better than that).
        worse: worse than every one of them.
        gains: better than real images alone, and by `min_gain`.
        no_gain: better than them by less than `min_gain`.
        harms: worse than them.
    """

    better: float
    not_worse: float
    worse: float
    gains: float
    no_gain: float
    harms: float


def claims(rivals: Sequence[Difference], real: Difference, min_gain: float) -> Claims:
    """Return the p-values of what may be said.

    Args:
        rivals: differences to each of the rivals, one at least.
        real: the difference to real images alone.
        min_gain: points, 0–100.
    """
    least = min_gain / 100
    return Claims(
        max(_gains(rival, least) for rival in rivals),
        max(1 - rival.above(-least) for rival in rivals),
        max(_harms(rival) for rival in rivals),
        _gains(real, least),
        real.above(least),
        _harms(real),
    )


def judgement(p: Claims) -> str:
    """Return the word for what may be said, at a significance of 5 %."""
    said = Claims(*(value < SIGNIFICANCE for value in p))
    if said.harms:
        return "harms"
    if said.gains and said.better:
        return "helps"
    if said.gains and said.not_worse:
        return "level"
    if said.worse:
        return "worse"
    return "no gain" if said.no_gain else UNDECIDED


WORDS = {
    "harms": "harms",
    "helps": "better",
    "level": "not_worse",
    "worse": "worse",
    "no gain": "no_gain",
}
"""The claim that each word makes, above what it says of real images alone."""


def bearing(word: str | None, rivals: Mapping[str, Difference], min_gain: float) -> str:
    """Return the arm with which the comparison bears a word: of several, the one nearest to not."""
    least = min_gain / 100
    match word:
        case "harms" | "no gain":
            return "real"
        case "helps":
            return max(rivals, key=lambda arm: _gains(rivals[arm], least))
        case "level":
            return min(rivals, key=lambda arm: rivals[arm].above(-least))
        case "worse":
            return max(rivals, key=lambda arm: _harms(rivals[arm]))
    return next(iter(rivals))


def gains(difference: Difference, min_gain: float) -> bool:
    """Return whether a difference is surely above zero, and `min_gain` points or more."""
    return _gains(difference, min_gain / 100) < SIGNIFICANCE


def _gains(difference: Difference, least: float) -> float:
    return difference.p if difference.mean >= least and difference.mean > 0 else 1.0


def _harms(difference: Difference) -> float:
    return difference.p if difference.mean < 0 else 1.0


def _verdict(judge: Judge, title: str, filled: Collection[str] | None) -> dict[str, Any]:
    alternative, test = judge.best(judge.of_kind("plain")), judge.test
    of_arms = {
        "alternative": alternative,
        "scores": {arm: judge.score(test, arm) for arm in judge.arms},
        "chance": judge.chance,
        "above_chance": told(judge.above_chance(alternative)),
        "arms": _every_arm(judge),
    }
    if not judge.of_kind("gan"):
        return {**of_arms, **_without_gan(judge, title, alternative)}
    gan_arms = judge.of_kind("gan")
    gan_arm = judge.best(list(filter(followable, gan_arms)) or gan_arms)
    rivals = judge.rivals(alternative)
    against = {arm: judge.difference(test, gan_arm, arm) for arm in rivals}
    real = judge.difference(test, gan_arm, "real")
    word = judgement(claims(list(against.values()), real, judge.min_gain))
    return {
        **of_arms,
        "verdict": word,
        "sentence": _sentence(word, title, gan_arm, against, real, judge),
        "gan_arm": gan_arm,
        "against_alternative": told(against[alternative]),
        "against_real": told(real),
        "alternatives": {arm: told(found) for arm, found in against.items()},
        "beats_real": gains(real, judge.min_gain),
        "placebo": _against_noise(judge),
        "probability_of_gain": _of_gain(against, judge),
        "classes": _every_class(judge, gan_arm, rivals, filled),
    }


def _against_noise(judge: Judge) -> dict[str, float] | None:
    if not {GAN, evidence.PLACEBO} <= set(judge.arms):
        return None
    return told(judge.difference(judge.test, GAN, evidence.PLACEBO))


def _without_gan(judge: Judge, title: str, best: str) -> dict[str, Any]:
    """Return the verdict where there is no arm with the GAN, beside what is about all arms.

    Either nothing was made, or others see it, and this classifier cannot.
    """
    made = any(ARMS[arm].kind == "gan" for _, arm in judge.test.right)
    sentence = f"{title} was trained on no arm with the GAN." if made else NO_IMAGE_MADE
    if best != "real":
        gain = points(told(judge.difference(judge.test, best, "real")))
        sentence += (
            f" Best of the rest on validation is {best}: {gain} against real images alone, "
            f"in balanced accuracy ({title}; 95 % interval)."
        )
    unknown = ("gan_arm", "against_alternative", "against_real", "placebo", "probability_of_gain")
    return {
        "verdict": NOT_JUDGED if made else NOTHING_MADE,
        "sentence": sentence,
        **dict.fromkeys(unknown),
        "alternatives": {},
        "beats_real": False,
        "classes": {
            name: {"verdict": None, "rests_on": None, **_looked_at(judge, part, ["real", best])}
            for name, part in _parts(judge).items()
        },
    }


def told(difference: Difference) -> dict[str, float]:
    """Return a difference as data: mean, ends of its 95 % and 90 % intervals, p, standard error."""
    (low, high), (low_90, high_90) = (difference.interval(c) for c in (0.95, 0.9))
    ends = {"low": low, "high": high, "low_90": low_90, "high_90": high_90}
    return {"mean": difference.mean, **ends, "p": difference.p, "error": difference.error}


def _every_arm(judge: Judge) -> dict[str, dict[str, float]]:
    """Return each arm's difference to real images alone, p adjusted for their number (Holm)."""
    others = [arm for arm in judge.arms if arm != "real"]
    found = [judge.difference(judge.test, arm, "real") for arm in others]
    adjusted = holm([difference.p for difference in found])
    return {
        arm: {**told(difference), "adjusted_p": p}
        for arm, difference, p in zip(others, found, adjusted, strict=True)
    }


def _every_class(
    judge: Judge, gan_arm: str, rivals: Sequence[str], filled: Collection[str] | None
) -> dict[str, dict[str, Any]]:
    """Return the verdict on each class's recall, claims adjusted for the classes' number (Holm).

    A class that got no synthetic image has no word. What a word `rests_on` is the comparison that
    bears it, `against` an arm, with the word's own p; without a word, that with the alternative.
    """
    others = list(dict.fromkeys([*rivals, "real"]))
    parts = _parts(judge)
    found = {
        name: {arm: judge.difference(part, gan_arm, arm) for arm in others}
        for name, part in parts.items()
    }
    judged = [name for name in parts if filled is None or name in filled]
    p = [
        claims([found[name][arm] for arm in rivals], found[name]["real"], judge.min_gain)
        for name in judged
    ]
    adjusted = [Claims(*each) for each in zip(*map(holm, zip(*p, strict=True)), strict=True)]
    words = {name: (judgement(of), of) for name, of in zip(judged, adjusted, strict=True)}
    compared = {"against_alternative": rivals[0], "against_real": "real"}
    of_all = {key: holm([found[name][arm].p for name in parts]) for key, arm in compared.items()}
    classes = {}
    for number, (name, part) in enumerate(parts.items()):
        word, p_of = words.get(name, (None, None))
        arm = bearing(word, {arm: found[name][arm] for arm in rivals}, judge.min_gain)
        own = getattr(p_of, WORDS[word]) if word in WORDS else of_all["against_alternative"][number]
        classes[name] = {
            "verdict": word,
            **_looked_at(judge, part, ["real", rivals[0], gan_arm]),
            "rests_on": {"against": arm, **told(found[name][arm]), "adjusted_p": own},
            **{
                key: {**told(found[name][arm]), "adjusted_p": of_all[key][number]}
                for key, arm in compared.items()
            },
        }
    return classes


def _parts(judge: Judge) -> dict[str, Outcomes]:
    """Return the outcomes of each class's test images, if it has any."""
    parts = {name: judge.test.of_class(label) for label, name in judge.test.classes.items()}
    return {name: part for name, part in parts.items() if len(part.label)}


def _looked_at(judge: Judge, part: Outcomes, arms: Sequence[str]) -> dict[str, Any]:
    """Return how many images of a class there are, of how many groups, and some arms' recall."""
    recall = {arm: judge.score(part, arm) for arm in dict.fromkeys(arms)}
    return {"images": part.images, "groups": part.groups, "recall": recall}


def _sentence(
    word: str,
    title: str,
    gan_arm: str,
    against: Mapping[str, Difference],
    real: Difference,
    judge: Judge,
) -> str:
    alternative, *others = against
    to_alternative = f"{points(told(against[alternative]))} against {alternative}"
    if others:
        strongest = min(others, key=lambda arm: against[arm].mean)
        which = f"the strongest of {len(others)} others that" if others[1:] else "which"
        to_alternative += f", {points(told(against[strongest]))} against {strongest}, {which}"
        to_alternative += f" validation cannot tell from {alternative}"
    to_real = f"{points(told(real))} against real images alone"
    match word:
        case "helps":
            text = f"{gan_arm} helps: {to_alternative}, {to_real}"
        case "level":
            text = f"{gan_arm} is level with the simpler {alternative}: {to_alternative}, {to_real}"
        case "worse":
            text = f"{gan_arm} is worse than the simpler {alternative}: {to_alternative}, {to_real}"
        case "no gain":
            text = f"{gan_arm} gains less than {judge.min_gain:g} points: {to_real}"
        case "harms":
            text = f"{gan_arm} harms: {to_real}"
        case _:
            text = f"It is undecided whether {gan_arm} helps: {to_alternative}, {to_real}"
    text += f", in balanced accuracy ({title}; 95 % intervals)."
    if word in ("helps", "level", UNDECIDED):
        over = _hardest(against, judge) + (", the hardest to beat" if others else "")
        gain = f"{judge.min_gain:g} points or more over {over}"
        text += f" The probability of a gain of {gain}: {_probability(against, judge)}."
    return f"{text} {_outlook(against, real, judge)}" if word == UNDECIDED else text


def _probability(against: Mapping[str, Difference], judge: Judge) -> str:
    value = _of_gain(against, judge)
    return "under 1 %" if value < 0.01 else "over 99 %" if value > 0.99 else f"{100 * value:.0f} %"


def _of_gain(against: Mapping[str, Difference], judge: Judge) -> float:
    """Return the probability of a gain over the rival that is hardest to beat."""
    return against[_hardest(against, judge)].above(judge.min_gain / 100)


def _hardest(against: Mapping[str, Difference], judge: Judge) -> str:
    """Return the rival over which a gain is least probable."""
    return min(against, key=lambda arm: against[arm].above(judge.min_gain / 100))


def _outlook(against: Mapping[str, Difference], real: Difference, judge: Judge) -> str:
    """Return how many test images would decide, if the differences stay what they are."""

    def decided(times: float, change: Callable[[Difference], Difference] = lambda d: d) -> bool:
        rivals = [change(rival.on(times)) for rival in against.values()]
        return judgement(claims(rivals, change(real.on(times)), judge.min_gain)) != UNDECIDED

    enough = next((times for times in TIMES if decided(times)), None)
    here = judge.test.images
    if enough:
        wanted = _rounded_up(enough * here)
        return f"About {wanted:,} test images instead of {here:,} would decide it."
    if decided(TIMES[-1], lambda d: replace(d, repeats=0.0)):
        return "More test images would not decide it, more repeats could: they scatter too much."
    return "Not even a hundred times as many test images would decide it."


def _rounded_up(number: float) -> int:
    """Return a number with two digits that count, at least as large."""
    unit = 10 ** max(math.floor(math.log10(number)) - 1, 0)
    return math.ceil(number / unit) * unit
