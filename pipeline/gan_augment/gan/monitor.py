"""What goes wrong with GANs, recognised from the history and said in plain words.

Each check looks at the rows so far and returns what it sees, or None. Scores must be bad in the
last `patience` evaluations, since one may be chance; the first steps do not count, in which every
generator is poor.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from gan_augment.gan.history import History, Row
from gan_augment.params import Recipe

FIRST_STEPS = 200
EXPLODED = 1e4
GROWN = 30.0
FALLEN = 0.25
LEARNT = 0.1
SURE = 2.0
"""Real images teach something if their CAS is so many standard errors of chance above it."""
COLLAPSED = 0.3
OVERFITTED = 0.9
WORSE = 3.0
LEAST_KID = 0.1


class Trouble(NamedTuple):
    """A diagnosis: its name, and what was seen."""

    kind: str
    words: str


class Remedy(NamedTuple):
    """Factors for the learning rate and for γ, and the same in words."""

    learning_rate: float
    gamma: float
    words: str


def divergence(history: History, patience: int) -> str | None:
    """Losses, penalties or weights that are not finite or explode."""
    del patience
    now = history.losses[-1]
    broken = [name for name, value in now.items() if not math.isfinite(value)]
    if broken:
        return f"{_words(broken)} not finite"
    exploded = [n for n, v in now.items() if n != "step" and abs(v) > EXPLODED]
    if exploded:
        return f"{_words(exploded)} above {EXPLODED:g}"
    first = history.losses[0]
    grown = [n for n in now if n.startswith("weights_") and now[n] > GROWN * first[n]]
    if grown:
        return f"{_words(grown)} more than {GROWN:g} times what they were at step {first['step']}"
    return None


def mode_collapse(history: History, patience: int) -> str | None:
    """Images of a class that are nearly all the same, measured against real ones."""
    scored = _scored(history, "diversity")
    if _last(patience, scored, lambda row: row["diversity"] < COLLAPSED):
        return (
            f"images of one class vary {scored[-1]['diversity']:.2f} times as much as real ones do"
        )
    return None


def discriminator_overfitting(history: History, patience: int) -> str | None:
    """A discriminator that knows the training images by heart, while images get worse.

    It takes real images that it never saw for generated ones: E D(validation) is as low as
    E D(G(z)) (Karras et al. 2020, section 3, r_v).
    """
    of_features = history.floor.get("features", "").startswith("features-")
    name, words = ("kid", "KID") if of_features else ("kid_pixels", "KID of pixels")
    scored = _scored(history, name)
    best = min((row[name] for row in scored), default=0.0)

    def bad(row: Row) -> bool:
        worse = row[name] > WORSE * max(best, LEAST_KID)
        return worse and row["overfitting"] > OVERFITTED

    if _last(patience, scored, bad):
        return (
            "the discriminator takes unseen real images for generated ones, and the "
            f"{words} rose from {best:.3f} to {scored[-1][name]:.3f}"
        )
    return None


def useless_images(history: History, patience: int) -> str | None:
    """Images that teach a classifier next to nothing, or much less than they did.

    Where real images teach it nothing for sure, CAS says nothing about the generator; nor does it
    until the generator has had time to learn what the labels mean.
    """
    scored, floor = _scored(history, "cas", history.labelled), history.floor
    if scored and floor["cas"] - floor["chance"] <= SURE * floor["chance_error"]:
        return None
    if _last(patience, scored, lambda row: _learnt(row["cas"], floor) < LEARNT):
        return f"a classifier learns nothing from the images: CAS {scored[-1]['cas']:.3f}"
    best = max((row["cas"] for row in scored), default=0.0)
    if _last(patience, scored, lambda row: row["cas"] < best - FALLEN):
        return (
            "a classifier learns much less from the images than before: "
            f"CAS {scored[-1]['cas']:.3f}, once {best:.3f}"
        )
    return None


MONITOR: dict[str, Callable[[History, int], str | None]] = {
    "divergence": divergence,
    "mode collapse": mode_collapse,
    "discriminator overfitting": discriminator_overfitting,
    "useless images": useless_images,
}


def diagnose(history: History, patience: int = 2) -> Trouble | None:
    """Return the first trouble that the last rows show."""
    for kind, check in MONITOR.items():
        words = check(history, patience)
        if words:
            return Trouble(kind, words)
    return None


def is_sound(history: History) -> bool:
    """Return whether training may come back to where it is: no longer poor, and no trouble near."""
    settled = history.validation[-1]["step"] >= FIRST_STEPS
    return settled and diagnose(history, patience=1) is None


def remedy(trouble: Trouble, params: Recipe) -> Remedy:
    """Return what to change: smaller steps, a smoother discriminator, or both."""
    if trouble.kind == "divergence" or params.gamma == 0:
        return Remedy(0.5, 1.0, "half the learning rate")
    if trouble.kind == "discriminator overfitting":
        return Remedy(1.0, 3.0, "three times the gradient penalty")
    return Remedy(0.5, 2.0, "half the learning rate and twice the gradient penalty")


def _learnt(cas: float, floor: Row) -> float:
    """Return how far CAS is on the way from guessing to training on real images, 1 at its end."""
    return float((cas - floor["chance"]) / (floor["cas"] - floor["chance"]))


def _scored(history: History, name: str, start: int = 0) -> list[Row]:
    """Return the evaluations that count and have this score, of training from `start` on."""
    first = start + FIRST_STEPS
    return [row for row in history.validation if row["step"] >= first and row[name] is not None]


def _last(patience: int, rows: Sequence[Row], bad: Callable[[Row], bool]) -> bool:
    """Return whether the last `patience` rows are there and bad."""
    return len(rows) >= patience and all(bad(row) for row in rows[-patience:])


def _words(names: Sequence[str]) -> str:
    return ", ".join(name.replace("_", " of ", 1) for name in names)
