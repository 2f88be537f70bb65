"""How often each row is seen in an epoch: the mixtures that evaluation compares, in the mean."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gan_augment.errors import UserError, choose


def times(
    labels: NDArray[np.int64], synthetic: NDArray[np.bool_], share: float, *, fill: bool
) -> NDArray[np.float64]:
    """Return how often each row is seen in an epoch, float64 N.

    Each synthetic row `share` times, each real one once; with `fill`, real ones come as often again
    as makes up for synthetic rows of their class that are left out.

    Args:
        labels: int64 N, class indices.
        synthetic: bool N, which rows are.
        share: 0 or more.
        fill: whether classes get as many images as with all synthetic rows, at least.

    Raises:
        UserError: the share is negative.
    """
    if not share >= 0:
        raise UserError(f"share = {share!r}: should be a number of 0 or more, or 'verdict'")
    seen = np.where(synthetic, float(share), 1.0)
    if fill:
        size = int(labels.max(initial=-1)) + 1
        real, made = (np.bincount(labels[rows], minlength=size) for rows in (~synthetic, synthetic))
        again = max(1.0 - share, 0.0) * made / np.maximum(real, 1)
        seen[~synthetic] += again[labels[~synthetic]]
    return seen


def chosen(
    verdict: Mapping[str, Any] | None, arm: str | None, classifier: str | None
) -> tuple[str, float, bool]:
    """Return what validation chose: the arm, its share, and whether it fills up with real images.

    Args:
        verdict: content of verdict.json, None where there is none.
        arm: whose choice; None is the arm that trains on what the table ships: of the two, as
            images are and transformed, the one that validation found best.
        classifier: for which; None is the mean over all.

    Raises:
        UserError: there is no verdict, or it holds no such arm or classifier, or not for an arm
            that mixes synthetic images in.
    """
    if verdict is None:
        raise UserError("the table has no verdict.json: say share=1.0, or another number")
    choices: Mapping[str, Mapping[str, Any]] = verdict.get("choices", {})
    name = arm or _shipped(verdict, choices)
    options = choose(choices, name, "arm")
    from gan_augment.evaluation.arms import ARMS, RATIOS, SHARES

    if name not in ARMS or ARMS[name].options not in (RATIOS, SHARES):
        raise UserError(f"arm = {name!r}: what validation chose for it is no share")
    picked = (
        list(options.values())
        if classifier is None
        else [choose(options, classifier, "classifier")]
    )
    return name, float(np.mean([float(option) for option in picked])), ARMS[name].on_classic


def _shipped(verdict: Mapping[str, Any], choices: Mapping[str, Any]) -> str:
    """Return the arm that trains on what ships."""
    ships, overall = verdict.get("ships", {}), verdict.get("overall", {})
    method = ships.get("method") or verdict.get("methods", {}).get("preferred") or "gan"
    candidates = [method, f"{method}+classic"]
    best = [overall.get("gan_arm"), overall.get("alternative")]
    found = [name for name in (*best, *candidates) if name in candidates and name in choices]
    return found[0] if found else method
