"""An image before decoding, and what all sources share."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from PIL import Image

from gan_augment.errors import UserError
from gan_augment.params import IngestParams

Skipped = dict[str, tuple[int, str]]
"""What a source leaves aside without opening it: by reason, how many files, and the first."""
HIDDEN = "hidden, or left by a system"
MADE = "synthetic by their names"


@dataclass(frozen=True, slots=True)
class RawImage:
    """An image before decoding.

    Attributes:
        name: where it came from, unique within the source, valid UTF-8; `/` separates folders.
        label: name of its class, or None where the source gives none.
        open: returns the picture, undecoded where the format allows.
        split, group: what the source itself says, if anything.
        folder: the one that holds it, unless that is all of its class, or of a split.
        held: bytes that memory holds of its encoded form, now or once it is opened.
    """

    name: str
    label: str | None
    open: Callable[[], Image.Image]
    split: str | None = None
    group: str | None = None
    folder: str | None = None
    held: int = 0


class Found(NamedTuple):
    """What a source holds.

    Attributes:
        total: the number of images.
        images: the images one after the other.
        classes: names of the classes, in index order; empty if that takes decoding.
        portable: whether they pickle, at about the size of what they open.
        skipped: what was left aside.
        understood: sentences on how the source was read.
        doubts: sentences on what its owner may not want so.
    """

    total: int
    images: Iterator[RawImage]
    classes: tuple[str, ...]
    portable: bool = True
    skipped: Skipped = {}  # noqa: RUF012
    understood: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def skip(skipped: Skipped, reason: str, name: str) -> None:
    """Count one more file that is left aside for a reason."""
    number, first = skipped.get(reason, (0, name))
    skipped[reason] = number + 1, first


Source = Callable[[IngestParams], Found]


def at_most(names: Iterable[str], params: IngestParams, where: str) -> list[str]:
    """Return the names as a list.

    Raises:
        UserError: there are more than `params.max_images`.
    """
    found = list(islice(names, params.max_images + 1))
    check_count(len(found), params, where)
    return found


def check_bytes(count: int, params: IngestParams, where: object) -> None:
    """Refuse what unpacks to more than `params.max_bytes` bytes.

    Raises:
        UserError: it does.
    """
    if count > params.max_bytes:
        raise UserError(
            f"{where} unpacks to more than {params.max_bytes:,} bytes: "
            "raise ingest.max_bytes if that is what you want"
        )


def check_count(count: int, params: IngestParams, where: str) -> None:
    """Refuse more than `params.max_images` images.

    Raises:
        UserError: there are more.
    """
    if count > params.max_images:
        raise UserError(
            f"{where} holds more than {params.max_images:,} images: "
            "raise ingest.max_images if that is what you want"
        )
