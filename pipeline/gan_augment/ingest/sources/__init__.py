"""Where raw images come from: one small adapter a source, one registry."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from gan_augment.errors import UserError, choose
from gan_augment.ingest.sources.archive import archive
from gan_augment.ingest.sources.digits import digits
from gan_augment.ingest.sources.folder import folder
from gan_augment.ingest.sources.idx import idx
from gan_augment.ingest.sources.manifest import manifest_csv, manifest_parquet
from gan_augment.ingest.sources.raw import Found, RawImage, Source
from gan_augment.ingest.sources.torchvision_datasets import torchvision_datasets
from gan_augment.params import IngestParams

SOURCES: dict[str, Source] = {
    "digits": digits,
    "folder": folder,
    "archive": archive,
    "csv": manifest_csv,
    "parquet": manifest_parquet,
    "torchvision": torchvision_datasets,
    "idx": idx,
}


def find(params: IngestParams) -> Found:
    """Return what the source of the params holds, its classes named by `params.class_names`.

    Raises:
        UserError: no such source, or anything about it that the user can put right.
    """
    found = choose(SOURCES, params.source, "ingest.source")(params)
    if params.class_names is None:
        return found
    return found._replace(images=_named(found.images, params.class_names))


def _named(images: Iterable[RawImage], names: tuple[str, ...]) -> Iterator[RawImage]:
    """Replace labels that are numbers by the names of their classes."""
    numbered = {str(number): name for number, name in enumerate(names)}
    for image in images:
        if image.label is not None and image.label not in numbered:
            raise UserError(
                f"ingest.class_names: names {len(names)} classes, numbered from 0; "
                f"{image.name} has the label {image.label!r}"
            )
        yield image if image.label is None else replace(image, label=numbered[image.label])
