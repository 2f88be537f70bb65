"""The seal of the test split: what ingestion put there is what is judged, and used for no more."""

from collections.abc import Mapping
from pathlib import Path

from gan_augment import table
from gan_augment.errors import UserError
from gan_augment.storage import read_record
from gan_augment.table import Images


def open_test(real: Path, seal: Path, used: Mapping[str, Images]) -> Images:
    """Return the test split, if it is whole and holds no image that was used before.

    Images are what their ids say, hashes of pixels. Features have the ids of their images; whether
    they are these images' is not looked at.

    Args:
        real: the image table.
        seal: seal.json of ingestion: the hash of the test split.
        used: real images that were learnt from and chosen by: the other splits, by name.

    Raises:
        UserError: the split is not the one that was sealed, or an image of it is among those used.
    """
    other = UserError(
        f"the test split of {real} is not the one that ingestion sealed in {seal}: "
        "run `dvc repro ingest`"
    )
    if table.table_hash(real, "test") != read_record(seal, "test")["test"]:
        raise other
    test = table.read(real, "test")
    if test.space is None and [*map(table.pixel_hash, test.pixels)] != test.rows["id"].tolist():
        raise other
    sealed = set(test.rows["id"])
    for name, images in used.items():
        if known := sealed.intersection(images.rows["id"]):
            raise UserError(
                f"{len(known)} images of the test split are in the {name} split too, such as "
                f"{min(known)}: the verdict would be worthless. Run `dvc repro ingest`"
            )
    return test
