"""A zip or tar archive of class directories, read in place: nothing is extracted."""

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Self, TypeVar

from PIL import Image

from gan_augment.errors import UserError
from gan_augment.ingest.sources.formats import MAX_FILE_BYTES, not_too_large, open_bytes
from gan_augment.ingest.sources.layout import Folders, around
from gan_augment.ingest.sources.paths import in_rubbish, is_generated, leads_out, spelled
from gan_augment.ingest.sources.raw import Found, RawImage, Skipped, check_bytes, skip
from gan_augment.ingest.sources.tree import (
    Annotations,
    Tree,
    folders_of,
    grow,
    is_picture,
    no_empty_class,
    read_annotations,
    sift,
)
from gan_augment.params import IngestParams
from gan_augment.printable import readable

_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,  # an encrypted zip
    NotImplementedError,  # a zip method that Python does not know
    UnicodeDecodeError,  # a name in a zip that is not the UTF-8 it says it is
)
_NAMING = (
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
)
MAX_HEADER_BYTES = 2**20
MAX_NAME = 4_096
"""Characters of a member's name: no file on a disk has a longer one, or lies deeper."""
_BOUNDED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""How a member of a zip may be packed: of the others Python unpacks without end."""
MEMBERS, ENTRY_BYTES = 4, 64
"""Members of an archive there may be for each image that is read (folders, notes, masks), and bytes
that a zip lists one in."""
_SPARSE = "it holds sparse files"
Member = TypeVar("Member")
TWICE = "an earlier member of the same name"
SPECIAL = "neither a file nor a folder in the archive"


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
        if _is_tar(path):
            return _tar(path, params)
    raise UserError(f"ingest.path = {str(path)!r}: neither a zip nor a tar archive")


def _zip(path: Path, params: IngestParams) -> Found:
    _not_too_many(_listing(path) // ENTRY_BYTES, params, path)
    file = _Zip(path)
    members: dict[str, zipfile.ZipInfo] = {}
    skipped: Skipped = {}
    for member in file.infolist():
        if stat.S_ISLNK(member.external_attr >> 16):
            skip(skipped, SPECIAL, readable(_zip_name(member)))
        else:
            _add(members, _zip_name(member), member, path, skipped)
    folders = {name for name, member in members.items() if member.is_dir()}
    members = {name: member for name, member in members.items() if name not in folders}
    check_bytes(sum(member.file_size for member in members.values()), params, path)
    tree, prefix = _tree(
        path, members, folders, lambda name: _content(file, members[name]), skipped, params
    )

    def images() -> Iterator[RawImage]:
        for name in tree.names:
            member = members[prefix + name]
            yield tree.image(name, partial(_member, file, member), member.file_size)

    return tree.found(images())


def _listing(path: Path) -> int:
    """Return in how many bytes a zip lists its members, of which Python makes ten times as many."""
    with path.open("rb") as file:
        end = zipfile._EndRecData(file)  # type: ignore[attr-defined]
    size: int = end[zipfile._ECD_SIZE]  # type: ignore[attr-defined]
    return size


def _not_too_many(members: int, params: IngestParams, path: Path) -> None:
    if members > MEMBERS * params.max_images:
        raise UserError(
            f"{path} has {MEMBERS * params.max_images:,} members or more: "
            "raise ingest.max_images if that is what you want"
        )


def _zip_name(member: zipfile.ZipInfo) -> str:
    """Return a member's name; macOS writes UTF-8 and does not say so, Python then reads cp437."""
    if not member.flag_bits & 0x800:
        try:
            return member.filename.encode("cp437").decode()
        except UnicodeError:
            pass
    return member.filename


def _add(
    members: dict[str, Member], name: str, member: Member, path: Path, skipped: Skipped
) -> None:
    """Add a member by its spelled name, in place of an earlier one of that name, as unpacking does.

    Raises:
        UserError: it lies outside of the archive.
    """
    plain = spelled(name)
    if leads_out(plain):
        raise UserError(f"{path}: its member {name!r} lies outside of it: repack the archive")
    if len(plain) > MAX_NAME:
        raise UserError(
            f"{path}: its member {name[:40]!r}… has a name of {len(plain):,} characters: "
            "repack the archive"
        )
    if plain in members:
        skip(skipped, TWICE, readable(plain))
    members[plain] = member


class _Zip(zipfile.ZipFile):
    """A zip that pickles: the process that gets it opens it once."""

    def __reduce__(self) -> tuple[Any, ...]:
        path = Path(str(self.filename))
        return _opened, (path, path.stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _opened(path: Path, _changed: int) -> _Zip:
    return _Zip(path)


def _member(file: _Zip, member: zipfile.ZipInfo) -> Image.Image:
    """Open a member; memory holds it only from now on."""
    try:
        return open_bytes(_content(file, member))
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError) as error:
        raise OSError(f"its archive is damaged here: {error}") from None


def _content(file: _Zip, member: zipfile.ZipInfo) -> bytes:
    """Return what a member holds, no more than it says.

    Raises:
        OSError: it says too much, or is packed in a way that unpacks without bounds.
    """
    not_too_large(member.file_size)
    if member.compress_type not in _BOUNDED:
        raise OSError("its archive is packed by another method than deflate: pack it again")
    with file.open(member) as stream:
        return stream.read(member.file_size)


class _Header(tarfile.TarInfo):
    """A header of a tar: one that holds a name or the like is read whole, so it must be short.

    Sparse files, whose headers go on in what they hold, are not read.
    """

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        header = super().frombuf(buf, encoding, errors)
        if header.type in _NAMING and header.size > MAX_HEADER_BYTES:
            raise RuntimeError(f"a header of {header.size:,} bytes, more than {MAX_HEADER_BYTES:,}")
        if header.type == tarfile.GNUTYPE_SPARSE:
            raise RuntimeError(_SPARSE)
        return header

    def _sparse(self, *_: object) -> None:
        raise RuntimeError(_SPARSE)

    _proc_gnusparse_00 = _proc_gnusparse_01 = _proc_gnusparse_10 = _sparse


def _is_tar(path: Path) -> bool:
    try:
        with tarfile.open(path, tarinfo=_Header):
            return True
    except tarfile.TarError:
        return False


@contextmanager
def _walked(path: Path) -> Iterator[tuple[tarfile.TarFile, Iterator[tarfile.TarInfo]]]:
    """Open a tar, and yield its members one by one; none is kept in memory."""
    with tarfile.open(path, tarinfo=_Header) as file:

        def members() -> Iterator[tarfile.TarInfo]:
            while (member := file.next()) is not None:
                yield member
                file.members.clear()  # type: ignore[attr-defined]

        yield file, members()


def _tar(path: Path, params: IngestParams) -> Found:
    members: dict[str, int] = {}
    folders: set[str] = set()
    annotations: dict[str, bytes] = {}
    skipped: Skipped = {}
    with _walked(path) as (file, found):
        for number, member in enumerate(found):
            _not_too_many(number, params, path)
            check_bytes(member.offset_data + member.size, params, path)
            if member.isdir():
                if not leads_out(plain := spelled(member.name)) and len(plain) <= MAX_NAME:
                    folders.add(plain)
                continue
            if member.islnk() and spelled(member.linkname) in members:
                # A second name of a file that comes before.
                _add(members, member.name, members[spelled(member.linkname)], path, skipped)
                continue
            if not member.isfile():
                skip(skipped, SPECIAL, readable(member.name))
                continue
            _add(members, member.name, number, path, skipped)
            if params.annotations and spelled(member.name).endswith(params.annotations):
                not_too_large(member.size + sum(map(len, annotations.values())))
                annotations[spelled(member.name)] = _read(file, member)
    tree, prefix = _tree(path, members, folders, annotations.__getitem__, skipped, params)

    def images() -> Iterator[RawImage]:
        wanted: dict[int, list[str]] = defaultdict(list)
        for name in tree.names:
            wanted[members[prefix + name]].append(name)
        with _readable(path), _walked(path) as (file, found):
            for number, member in enumerate(found):
                if number in wanted:
                    content = partial(_checked, member.size, _read(file, member))
                    for name in wanted[number]:
                        yield tree.image(name, content, member.size)

    return tree.found(images())


def _read(file: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    """Return the start of a member: what is longer is refused when it is opened."""
    stream = file.extractfile(member)
    return b"" if stream is None else stream.read(MAX_FILE_BYTES)


def _checked(size: int, content: bytes) -> Image.Image:
    not_too_large(size)
    return open_bytes(content)


def _tree(
    path: Path,
    members: Iterable[str],
    folders: set[str],
    read: Callable[[str], bytes],
    skipped: Skipped,
    params: IngestParams,
) -> tuple[Tree, str]:
    """Return the tree inside the archive, and the folders around it as a prefix of its names.

    Raises:
        UserError: a class has no images, or the annotations are not there.
    """
    members = set(members)
    pictured = {
        folders_of(name)
        for name in members
        if is_picture(name) and not is_generated(name) and not in_rubbish(name)
    }
    if params.files is None:
        seen = {*map(folders_of, members), *(folders_of(f"{name}/") for name in folders - {"."})}
        no_empty_class(str(path), pictured, seen, members)
    prefix = _around(pictured)
    annotations: Annotations = {}
    if params.annotations is not None:
        member = prefix + params.annotations
        if member not in members:
            raise UserError(f"ingest.annotations = {params.annotations!r}: no such file in {path}")
        annotations = read_annotations(read(member), f"{path}: {member}")
    inside = (name.removeprefix(prefix) for name in sorted(members))
    return grow(str(path), sift(inside, skipped, params, str(path)), annotations), prefix


def _around(folders: set[Folders]) -> str:
    """Return the folders, as a prefix, that hold everything and are not classes themselves."""
    depth = around(folders)
    return "".join(f"{part}/" for part in min(folders, default=())[:depth])


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise UserError(f"{path} is not a readable archive ({error}): pack it again") from None
