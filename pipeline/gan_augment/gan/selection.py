"""Which evaluation has the better generator, within a training and of several."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

from gan_augment.gan.history import Row
from gan_augment.metrics.memorisation import NEAR_COPIES


def is_better(
    row: Row, best: Row | None, rows: Sequence[Row], select: Literal["lift", "cas", "kid", "fid"]
) -> bool:
    """Return whether an evaluation beats the best one so far.

    A generator that copies training images loses to any that does not: its images must not ship.
    Otherwise by `lift` or `cas`, those within one standard error of the highest are level, since a
    few hundred validation images cannot tell good generators apart; of these the one with the
    lowest KID is best (after the one-standard-error rule, Breiman et al. 1984, section 3.4.3; only
    the best before is still there to be compared with). Where nothing is known, the later is.

    Args:
        row: the evaluation.
        best: the best before it, if any.
        rows: the evaluations so far that may be kept, `row` among them.
        select: the score that counts; KID where there are too few images for it.
    """
    if best is None:
        return True
    if copies(row) != copies(best):
        return copies(best)
    if select in ("lift", "cas") and row[select] is not None:
        rivals = [r for r in rows if r[select] is not None and copies(r) == copies(row)]
        least = max(r[select] - r[f"{select}_error"] for r in rivals)
        level = [r[select] >= least for r in (row, best)]
        if not all(level) or row["kid"] is None:
            return bool(row[select] > best[select])
    distance = "fid" if select == "fid" and row["fid"] is not None else "kid"
    return row[distance] is None or bool(row[distance] < best[distance])


def is_blind(row: Row, select: str) -> bool:
    """Return whether an evaluation has no score to choose by: neither that selected nor KID."""
    return row[select] is None and row["kid"] is None


def best_of(rows: Mapping[str, Row]) -> str:
    """Return the name of the generator, of different networks, whose images add most to real ones.

    The one of highest lift; where that is not known, of lowest KID. One that copies training images
    loses to any that does not.

    Args:
        rows: name → its best evaluation; of equals the first is the best.
    """
    honest = {name: row for name, row in rows.items() if not copies(row)} or rows

    def merit(name: str) -> tuple[float, float]:
        lift, kid = honest[name]["lift"], honest[name]["kid"]
        return -math.inf if lift is None else lift, -math.inf if kid is None else -kid

    return max(honest, key=merit)


def copies(row: Row) -> bool:
    """Return whether more of the images are near copies than the memorisation check bears."""
    return row["near_copies"] is not None and row["near_copies"] > NEAR_COPIES
