"""Draws: the plan filled several times over, a set of images for every repeat of a comparison.

Set 0 is data/synthetic, what ships. The others are in one image table, set after set, made as it
was but for their seed, which the column of that name tells.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from gan_augment import table
from gan_augment.errors import UserError
from gan_augment.seeding import seed_of
from gan_augment.table import Images


def seed_of_set(seed: int, number: int) -> int:
    """Return the seed of a set; set 0 has the stage's own."""
    return seed_of(seed, "draws", number) if number else seed


def read(synthetic: Path, draws: Path, number: int) -> Images:
    """Return the images of a set; of other sets no image is read.

    Args:
        synthetic: the image table of set 0.
        draws: that of the others.
        number: which set; there is one, see `require`.
    """
    if number == 0 or not table.counts(synthetic).any():
        return table.read(synthetic, "train")
    seed = _seeds(draws)[number - 1]
    parts = []
    for shard in table.shards(draws, "train"):
        with table.readable(shard):
            filters = [("seed", "=", seed)]
            part = pq.read_table(shard, filters=filters, page_checksum_verification=True)
        parts.append(part)
    return table.decode(pa.concat_tables(parts))


def require(synthetic: Path, draws: Path, sets: int) -> None:
    """Refuse draws that are not enough.

    Raises:
        UserError: there are fewer than so many sets, set 0 included, though the plan wants images.
    """
    found = 1 + len(_seeds(draws))
    if found < sets and table.counts(synthetic).any():
        raise UserError(
            f"{draws} and {synthetic} hold {found} draws of the synthetic images, but "
            f"evaluate.repeats and evaluate.tuning_repeats need {sets}: run `dvc repro generate`"
        )


def _seeds(draws: Path) -> list[int]:
    """Return the seeds of the sets after the first, in order."""
    columns = table.Rows(table.shards(draws, "train")).columns(["seed"])
    return list(columns["seed"].unique().to_pylist())
