"""Where raw images come from: one small adapter a source, one registry."""

from dataclasses import replace

from gan_augment.errors import UserError, choose
from gan_augment.ingest.sources.archive import archive
from gan_augment.ingest.sources.digits import digits
from gan_augment.ingest.sources.folder import folder
from gan_augment.ingest.sources.idx import idx
from gan_augment.ingest.sources.labels import doubts, named
from gan_augment.ingest.sources.manifest import manifest_csv, manifest_parquet
from gan_augment.ingest.sources.paths import spelled
from gan_augment.ingest.sources.raw import Found, Source
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
        UserError: no such source, names that do not fit its classes, or anything about it that
            the user can put right.
    """
    names = {key: getattr(params, key) for key in ("files", "annotations")}
    plain = {key: spelled(name) for key, name in names.items() if name is not None}
    params = params.model_copy(update=plain)
    found = choose(SOURCES, params.source, "ingest.source")(params)
    if params.class_names is not None:
        found = _named(found, params.class_names)
    return found._replace(doubts=(*found.doubts, *doubts(found.classes)))


def _named(found: Found, names: tuple[str, ...]) -> Found:
    """Name and order classes: by their numbers from 0 (or from 1, if there are as many)."""
    names = tuple(named(name, "ingest.class_names") for name in names)
    for name in names:
        if names.count(name) > 1:
            raise UserError(
                f"ingest.class_names: {name!r} is there twice; each class needs its own"
            )
    if set(found.classes) == set(names):
        return found._replace(classes=names)
    first = "1" if {str(number + 1) for number in range(len(names))} == {*found.classes} else "0"
    numbered = {str(number): name for number, name in enumerate(names, start=int(first))}

    def name_of(label: str) -> str:
        if label not in numbered:
            raise UserError(
                f"ingest.class_names: names {len(names)} classes, numbered from {first}; "
                f"the source has the label {label!r}"
            )
        return numbered[label]

    classes = {name_of(label) for label in found.classes}
    for number, name in numbered.items():
        if found.classes and name not in classes:
            raise UserError(
                f"ingest.class_names: {name!r} names the label {number}, which no image has; "
                f"there are {', '.join(found.classes)}"
            )
    images = (
        image if image.label is None else replace(image, label=name_of(image.label))
        for image in found.images
    )
    return found._replace(images=images, classes=names)
