"""Ingest: raw images of any kind become data/real, split and sealed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline import table
from pipeline.errors import UserError, choose, hint
from pipeline.ingest.decode import decode
from pipeline.ingest.sources import SOURCES, RawImage
from pipeline.ingest.split import stratified_split
from pipeline.params import IngestParams
from pipeline.progress import progress
from pipeline.seeding import rng


def run(params: IngestParams, inputs: Mapping[str, Path], outputs: Mapping[str, Path]) -> None:
    """Read the source, split it and write the image table of real images.

    Args:
        params: the section `ingest`.
        inputs: none; the source is `params.path`.
        outputs: `real`, an image table.

    Raises:
        UserError: anything about the source that the user can put right.
    """
    del inputs
    raw = list(choose(SOURCES, params.source, "ingest.source")(params))
    classes = sorted({image.label for image in raw})
    if len(classes) < 2:
        raise UserError(f"the source has only the class {classes}: a classifier needs at least two")
    labels = np.array([classes.index(image.label) for image in raw])
    pixels = _decode_all(raw, params)
    ids = [table.pixel_hash(image) for image in pixels]
    _warn_of_duplicates(ids, raw)

    groups = [image.group or identity for image, identity in zip(raw, ids, strict=True)]
    given = [image.split for image in raw]
    splits = stratified_split(labels, groups, given, classes, params.split, params.seed)
    kept = np.flatnonzero(_within_scarcity(labels, splits, classes, params))
    chunks = (
        table.encode(
            pixels[part],
            labels[part],
            classes,
            split=[splits[i] for i in part],
            origin="real",
            path=[raw[i].name for i in part],
            group=[groups[i] for i in part],
        )
        for part in np.array_split(kept, max(1, len(kept) // 1000))
    )
    table.write(outputs["real"], chunks, classes)
    _summarise(labels[kept], [splits[i] for i in kept], classes, pixels.shape[1:])


def _decode_all(raw: Sequence[RawImage], params: IngestParams) -> NDArray[np.uint8]:
    images = []
    with progress("ingest", len(raw), "images") as advance:
        for done, image in enumerate(raw, start=1):
            images.append(decode(image, params))
            advance(done)
    if len({len(image) for image in images}) > 1:  # grey among colour
        images = [np.broadcast_to(image, (3, *image.shape[1:])) for image in images]
    sizes = Counter(image.shape[1:] for image in images)
    if len(sizes) > 1:
        (height, width), _ = sizes.most_common(1)[0]
        raise UserError(
            f"the images have {len(sizes)} different sizes (most often {width}×{height} pixels): "
            "set ingest.image_size, for example 32"
        )
    return np.stack(images)


def _warn_of_duplicates(ids: Sequence[str], raw: Sequence[RawImage]) -> None:
    labels: dict[str, set[str]] = {}
    for identity, image in zip(ids, raw, strict=True):
        labels.setdefault(identity, set()).add(image.label)
    if len(labels) < len(ids):
        conflicts = sum(len(found) > 1 for found in labels.values())
        print(
            f"ingest: {len(ids) - len(labels)} exact duplicates, kept in one split each; "
            f"{conflicts} of them under two labels"
        )


def _within_scarcity(
    labels: NDArray[np.int64], splits: Sequence[str], classes: Sequence[str], params: IngestParams
) -> NDArray[np.bool_]:
    """Return which rows stay when the training images of scarce classes are capped."""
    keep = np.ones(len(labels), bool)
    in_train = np.array(splits) == "train"
    for name, most in params.scarcity.items():
        if name not in classes:
            raise UserError(f"ingest.scarcity.{name}: no such class; {hint(name, classes)}")
        label = classes.index(name)
        rows = np.flatnonzero(in_train & (labels == label))
        keep[rng(params.seed, "scarcity", name).permutation(rows)[most:]] = False
    return keep


def _summarise(
    labels: NDArray[np.int64],
    splits: Sequence[str],
    classes: Sequence[str],
    shape: tuple[int, ...],
) -> None:
    channels, height, width = shape
    colour = "grey" if channels == 1 else "RGB"
    print(f"ingest: {len(labels)} images, {width}×{height} pixels, {colour}")
    for split in table.SPLITS:
        counts = Counter(labels[np.array(splits) == split].tolist())
        print(f"  {split}: " + ", ".join(f"{name} {counts[i]}" for i, name in enumerate(classes)))
