"""The catalogue: a line an image, on which is decided what stays and where it goes.

| column | type | meaning |
|---|---|---|
| name, id | string | where the image comes from; hash of its pixels |
| label | int64 | class index |
| cluster | int64 | number of its cluster of duplicates |
| folder | string | the folder below its class, or none |
| given, own | string | split and group that the source or the params give it, or none |
| group | string | what its own group and its cluster connect: one group is in one split |
| split | string | added by `split` |

The index is the image's row in the spool.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gan_augment.errors import UserError, hint
from gan_augment.ingest import groups
from gan_augment.ingest.duplicates import clusters
from gan_augment.ingest.sources.labels import ordered
from gan_augment.ingest.sources.raw import Skipped
from gan_augment.ingest.split import assign, check
from gan_augment.ingest.spool import Reject, Spooled, reasons
from gan_augment.params import IngestParams
from gan_augment.seeding import rng


def check_classes(classes: Sequence[str], params: IngestParams) -> None:
    """Refuse classes that do not do, or that the params do not fit; images need not be decoded.

    Raises:
        UserError: there is one only, or a scarce class does not exist.
    """
    if len(classes) < 2:
        raise UserError(
            f"the source has only the class {''.join(classes)!r}: a classifier needs at least two"
        )
    for name in params.scarcity:
        if name not in classes:
            raise UserError(f"ingest.scarcity.{name}: no such class; {hint(name, classes)}")


def read(
    spooled: Spooled,
    thumbnails: NDArray[np.uint8] | None,
    source: Sequence[str],
    params: IngestParams,
) -> tuple[pd.DataFrame, list[str]]:
    """Return the catalogue of what was spooled, and the class names in index order.

    Args:
        spooled: all images that passed the checks.
        thumbnails: theirs, flat: uint8, N×D; None where near-duplicates are not looked for.
        source: names of classes in the source's order; the others follow.
        params: of ingestion.

    Raises:
        UserError: classes do not fit, one has no image that passed, or `params.group` groups none.
    """
    name, folder, group = (spooled.column(c).to_pylist() for c in ("name", "folder", "group"))
    label = spooled.column("label").dictionary_encode().to_pandas()
    found = {*label.cat.categories, *(reject.label for reject in spooled.tally.rejects)} - {""}
    classes = list(ordered(found, source))
    check_classes(classes, params)
    for lost in set(classes) - set(label.cat.categories):
        mine = [reject for reject in spooled.tally.rejects if reject.label == lost]
        raise UserError(f"class {lost!r}: every image fails a check: {reasons(mine)}")
    keep = params.split.given == "keep"
    given = spooled.column("split").to_pylist() if keep else [None] * len(name)
    images = pd.DataFrame(
        {
            "name": name,
            "id": spooled.ids(),
            "label": label.cat.set_categories(classes).cat.codes.astype(np.int64),
            "folder": pd.array(folder, "string"),
            "given": pd.array(given, "string"),
            "own": pd.array(groups.declared(name, folder, group, params.group), "string"),
        }
    )
    groups.check(images, params.group)
    near = params.duplicates.near
    hashes = None if near is None else spooled.column("hash").to_numpy()
    images["cluster"] = clusters(images["id"].tolist(), hashes, thumbnails, near)
    # Before any is left out: those that it connects show one thing all the same.
    images["group"] = groups.join(images)
    return images, classes


def without_contradictions(
    images: pd.DataFrame, classes: Sequence[str], params: IngestParams
) -> tuple[pd.DataFrame, list[Reject]]:
    """Leave out images with the pixels of another class, and what belongs to later given splits.

    Returns:
        The catalogue of the others, and what was left out.

    Raises:
        UserError: there are any and `params.duplicates` says `error`, or a class has no others.
    """
    policy = params.duplicates
    rejects: list[Reject] = []

    def leave_out(found: Sequence[groups.Contradiction], error: str | None, how: str) -> None:
        nonlocal images
        lines = [
            Reject(
                images["name"][row],
                classes[images["label"][row]],
                f"{how} {images['name'][other]} of class {classes[images['label'][other]]!r}",
            )
            for row, other in found
        ]
        if lines and error:
            raise UserError(f"{len(lines)} {error}: {reasons(lines)}")
        rejects.extend(lines)
        images = images.drop(index=[row for row, _ in found])

    clashes = groups.conflicts(images)
    if policy.conflicts == "first":
        clashes = [clash for clash in clashes if clash.row > clash.other]
    error = "images have the pixels of another class (ingest.duplicates.conflicts = error)"
    leave_out(clashes, error if policy.conflicts == "error" else None, "has the pixels of")
    error = "images duplicate others in a later given split (ingest.duplicates.leaks = error)"
    leave_out(
        groups.leaks(images),
        error if policy.leaks == "error" else None,
        "is in an earlier split than what duplicates or groups tie it to, such as",
    )
    for label in set(range(len(classes))) - set(images["label"]):
        mine = [reject for reject in rejects if reject.label == classes[label]]
        raise UserError(f"class {classes[label]!r}: no image is left: {reasons(mine)}")
    return images, rejects


def split(
    images: pd.DataFrame, classes: Sequence[str], params: IngestParams
) -> tuple[pd.DataFrame, Skipped]:
    """Return the catalogue with splits, within `params.limit` and `params.scarcity`.

    Splits go by names of groups that are given here, after the images that are left. In the
    catalogue groups keep their names: those are the same whatever a seed leaves out.

    Returns:
        The catalogue, and by setting how many images it left out, and the first.

    Raises:
        UserError: no split is possible on which choices are made and classes compared.
    """
    unused: Skipped = {}

    def without(rows: list[int], setting: str) -> pd.DataFrame:
        if rows:
            unused[setting] = len(rows), images["name"][min(rows)]
        return images.drop(index=rows)

    if params.limit is not None:
        most = dict.fromkeys(classes, params.limit)
        over = _beyond(most, images["label"], classes, params.seed, "limit")
        images = without(over, f"ingest.limit = {params.limit}")
    names = groups.named(images, images["group"]).tolist()
    given = [None if pd.isna(name) else name for name in images["given"]]
    labels = images["label"].to_numpy()
    splits = assign(labels, names, given, classes, params.split, params.seed)
    check(labels, splits, classes)
    images = images.assign(split=splits)
    in_train = images["label"].where(images["split"] == "train", -1)
    over = _beyond(params.scarcity, in_train, classes, params.seed, "scarcity")
    return without(over, "ingest.scarcity"), unused


def _beyond(
    most: dict[str, int], labels: pd.Series, classes: Sequence[str], seed: int, stream: str
) -> list[int]:
    """Return the rows, drawn by the seed, that some classes have above so many."""
    over: list[int] = []
    for name, number in most.items():
        rows = labels.index[labels == classes.index(name)].to_numpy()
        over.extend(rng(seed, stream, name).permutation(rows)[number:].tolist())
    return over
