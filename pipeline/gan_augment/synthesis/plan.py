"""How many synthetic images of which class, and by which method each class gets them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gan_augment import table
from gan_augment.balance import filling, uneven
from gan_augment.errors import UserError, hint
from gan_augment.params import GenerateParams, Plan

AUTO, FILL = (Plan.model_validate(kind) for kind in ("auto", "fill"))


def wanted(plan: Plan, real: NDArray[np.int64], classes: Sequence[str]) -> NDArray[np.int64]:
    """Return the number of synthetic images of each class, int64.

    Args:
        plan: `fill` brings every class up to the largest, or to so many times its size; `auto` is
            `fill`, or `fill: 2` where that adds little; `ratio` gives that many per real image;
            `per_class` gives the same number to all; `classes` names each number, others get none.
        real: number of real training images of each class.
        classes: names of the classes.

    Raises:
        UserError: the plan names a class that is not there.
    """
    match plan.kind:
        case "auto":
            return filling(real)
        case "fill":
            return _times(plan.amount, real.max()) - real
        case "ratio":
            return _times(plan.amount, real)
        case "per_class":
            return np.full_like(real, int(plan.amount))
        case "classes":
            for name in plan.classes:
                if name not in classes:
                    raise UserError(f"generate.plan: no class {name!r}; {hint(name, classes)}")
            return np.array([plan.classes.get(name, 0) for name in classes], np.int64)


def _times(amount: float, real: NDArray[np.int64] | np.int64) -> NDArray[np.int64]:
    """Return numbers times an amount, rounded up: but not those that are only rounding errors.

    1.1 · 100 is 110, and a little more in binary.
    """
    return np.ceil(np.round(amount * real, 9)).astype(np.int64)


def check(params: GenerateParams, real: Path) -> None:
    """Refuse a plan that wants no image, or cannot be met, before a generator is trained for it.

    If filling up wants few images, say so.

    Args:
        params: the section `generate`.
        real: the image table of real images.

    Raises:
        UserError: says so, and what to write instead: no image is wanted, of a class that is not
            there, or of one with too few real images.
    """
    counts, classes = table.counts(real, "train"), table.class_names(real)
    asked = wanted(params.plan, counts, classes)
    if not asked.any():
        raise UserError(f"{empty(params.plan, counts)}. No generator was trained")
    methods(params, asked, counts, classes)
    if params.plan == FILL and not uneven(counts):
        more = wanted(AUTO, counts, classes).sum()
        print(
            f"generate.plan = fill wants {asked.sum()} synthetic images for {counts.sum()} real "
            f"ones; `plan: auto` would want {more}",
            flush=True,
        )


def empty(plan: Plan, real: NDArray[np.int64]) -> str:
    """Return in words that a plan wants no image, why, and what to write instead."""
    even = f"all classes have {real.max()} real training images"
    return (
        f"generate.plan = {plan.kind} wants no synthetic image: "
        f"{even if plan.kind == 'fill' else 'it says so'}. "
        "Write `plan: auto`, or {fill: 2}, {ratio: 1} or {per_class: 100}"
    )


def methods(
    params: GenerateParams,
    counts: NDArray[np.int64],
    real: NDArray[np.int64],
    classes: Sequence[str],
) -> list[str]:
    """Return by which method each class is made: the fallback where real images are too few.

    Raises:
        UserError: they are, and there is no fallback.
    """
    chosen = [params.method] * len(classes)
    if params.method != "gan":
        return chosen
    few = [y for y in np.flatnonzero(counts).tolist() if real[y] < params.min_real]
    if few and params.fallback is None:
        listed = ", ".join(f"{classes[y]} ({real[y]})" for y in few)
        raise UserError(
            f"fewer than generate.min_real = {params.min_real} real training images of {listed}: "
            "a GAN has too little to learn from. Collect more, or set generate.fallback (smote, "
            "gmm, gaussian or oversample) for such classes"
        )
    for label in few:
        chosen[label] = str(params.fallback)
    return chosen


def shown(
    counts: NDArray[np.int64],
    real: NDArray[np.int64],
    chosen: Sequence[str],
    classes: Sequence[str],
) -> str:
    """Return the plan as lines of text, one a class."""
    width = max(5, *(len(name) for name in classes))
    lines = [f"{'class':{width}}  {'real':>6}  {'wanted':>6}  method"]
    for label, name in enumerate(classes):
        method = chosen[label] if counts[label] else ""
        lines.append(f"{name:{width}}  {real[label]:6}  {counts[label]:6}  {method}".rstrip())
    return "\n".join(lines)
