"""How the images of a source are shared out over the cores, within bounds of memory."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from gan_augment import engine
from gan_augment.ingest.sources.raw import Found, RawImage

Result = TypeVar("Result")
CHUNK = 64
"""Images that a core takes at a time."""
CHUNK_BYTES = 2**24
"""Bytes of theirs from which on fewer are: of each core three chunks are in memory at once."""
MANY = 2_000
"""Images from which on processes are worth their start."""


def each(
    function: Callable[[list[RawImage]], Result], found: Found, stored: int = 0
) -> Iterator[Result]:
    """Yield `function` of the images of a source, chunk by chunk, in order, on all cores.

    Args:
        function: of a chunk; can be pickled.
        found: the source; its images are used up.
        stored: bytes that the result holds of each image.
    """
    processes = found.portable and found.total >= MANY
    return engine.stream(function, chunks(found.images, stored), processes=processes, held=_held)


def _held(images: list[RawImage]) -> int:
    return sum(image.held for image in images)


def chunks(images: Iterable[RawImage], stored: int) -> Iterator[list[RawImage]]:
    """Yield images in lists of CHUNK, or of fewer that hold CHUNK_BYTES together."""
    chunk: list[RawImage] = []
    held = 0
    for image in images:
        chunk.append(image)
        held += image.held + stored
        if len(chunk) == CHUNK or held >= CHUNK_BYTES:
            full, chunk, held = chunk, [], 0
            yield full
            del full
    if chunk:
        yield chunk
