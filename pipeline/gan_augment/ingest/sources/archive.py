"""A zip or tar archive of class directories, read in place: nothing is extracted."""

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from PIL import Image

from gan_augment.errors import UserError
from gan_augment.ingest.sources.raw import (
    MAX_FILE_BYTES,
    Found,
    RawImage,
    at_most,
    not_too_large,
    open_bytes,
)
from gan_augment.ingest.sources.tree import Tree, grow, is_image, read_annotations
from gan_augment.params import IngestParams

_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,  # an encrypted zip
    NotImplementedError,  # a zip method that Python does not know
)


def archive(params: IngestParams) -> Found:
    """Return the images of the archive `params.path`, laid out as `folder` wants them.

    A single folder around everything is looked through. A zip is read member by member; a tar is
    read from front to back, once to count and once for the images.

    Raises:
        UserError: it is missing or broken, names members outside of itself, or unpacks to more
            than `params.max_images` images or `params.max_bytes` bytes.
    """
    path = params.path
    if not path.is_file():
        raise UserError(f"ingest.path = {str(path)!r}: no such file; name a zip or tar archive")
    with _readable(path):
        if zipfile.is_zipfile(path):
            return _zip(path, params)
        if tarfile.is_tarfile(path):
            return _tar(path, params)
    raise UserError(f"ingest.path = {str(path)!r}: neither a zip nor a tar archive")


def _zip(path: Path, params: IngestParams) -> Found:
    file = zipfile.ZipFile(path)
    sizes = {member.filename: member.file_size for member in file.infolist() if not member.is_dir()}
    _within_bounds(path, sum(sizes.values()), params)
    tree, prefix = _tree(path, sizes, file.read, params)
    images = (
        tree.image(name, _member(file, prefix + name, sizes[prefix + name])) for name in tree.names
    )
    return Found(len(tree.names), images)


def _member(file: zipfile.ZipFile, name: str, size: int) -> Callable[[], Image.Image]:
    """Return what opens a member; only then is said what is wrong with it."""
    try:
        return partial(_checked, size, b"" if size > MAX_FILE_BYTES else file.read(name))
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError) as error:
        return partial(_damaged, str(error))


def _damaged(how: str) -> Image.Image:
    raise OSError(f"its archive is damaged here: {how}")


def _tar(path: Path, params: IngestParams) -> Found:
    sizes: dict[str, int] = {}
    annotations: dict[str, bytes] = {}
    total = 0
    with tarfile.open(path) as file:
        for member in filter(tarfile.TarInfo.isfile, file):
            sizes[member.name] = member.size
            total += member.size
            _within_bounds(path, total, params)
            if params.annotations and member.name.endswith(params.annotations):
                annotations[member.name] = _read(file, member)
    tree, prefix = _tree(path, sizes, annotations.__getitem__, params)

    def images() -> Iterator[RawImage]:
        left = {prefix + name for name in tree.names}
        with _readable(path), tarfile.open(path) as file:
            for member in filter(tarfile.TarInfo.isfile, file):
                if member.name in left:
                    left.remove(member.name)
                    content = partial(_checked, member.size, _read(file, member))
                    yield tree.image(member.name.removeprefix(prefix), content)

    return Found(len(tree.names), images())


def _read(file: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    """Return the start of a member: what is longer is refused when it is opened."""
    stream = file.extractfile(member)
    return b"" if stream is None else stream.read(MAX_FILE_BYTES)


def _checked(size: int, content: bytes) -> Image.Image:
    not_too_large(size)
    return open_bytes(content)


def _tree(
    path: Path, members: Iterable[str], read: Callable[[str], bytes], params: IngestParams
) -> tuple[Tree, str]:
    """Return the tree inside the archive, and the folders around it as a prefix of its names."""
    members = set(members)
    for name in members:
        if name.startswith("/") or ".." in name.replace("\\", "/").split("/"):
            raise UserError(f"{path}: its member {name!r} lies outside of it: repack the archive")
    names = at_most(filter(is_image, sorted(members)), params, str(path))
    prefix = _around(names)
    annotations = {}
    if params.annotations is not None:
        member = prefix + params.annotations
        if member not in members:
            raise UserError(f"ingest.annotations = {params.annotations!r}: no such file in {path}")
        annotations = read_annotations(read(member), f"{path}: {member}")
    inside = [name.removeprefix(prefix) for name in names]
    return grow(str(path), inside, annotations, params), prefix


def _around(names: list[str]) -> str:
    """Return the folders, as a prefix, that hold everything and are not classes themselves."""
    prefix = ""
    while True:
        rest = [name.removeprefix(prefix).split("/") for name in names]
        if not rest or len({parts[0] for parts in rest}) > 1 or min(map(len, rest)) < 3:
            return prefix
        prefix += rest[0][0] + "/"


def _within_bounds(path: Path, total: int, params: IngestParams) -> None:
    if total > params.max_bytes:
        raise UserError(
            f"{path} unpacks to more than {params.max_bytes:,} bytes: "
            "raise ingest.max_bytes if that is what you want"
        )


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise UserError(f"{path} is not a readable archive ({error}): pack it again") from None
