"""One directory a class: what folders and archives have in common."""

import csv
import io
import posixpath
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from PIL import Image

from gan_augment.errors import UserError
from gan_augment.ingest.sources.formats import advice, endings
from gan_augment.ingest.sources.labels import group, missing, ordered
from gan_augment.ingest.sources.layout import Folders, Layout, Place, understand
from gan_augment.ingest.sources.paths import (
    asked_for,
    composed,
    in_rubbish,
    is_generated,
    is_rubbish,
    spelled,
)
from gan_augment.ingest.sources.raw import HIDDEN, MADE, Found, RawImage, Skipped, at_most, skip
from gan_augment.ingest.sources.splits import split_name, split_within, told
from gan_augment.params import IngestParams
from gan_augment.printable import readable

Annotations = Mapping[str, Mapping[str, str]]


class Files(NamedTuple):
    """The files of a source, by their names.

    Attributes:
        images: those that are images by their ending, sorted.
        foreign: the first image of each folder and ending in formats that are not read.
        skipped: what is left aside.
    """

    images: list[str]
    foreign: dict[tuple[Folders, str], str]
    skipped: Skipped


NOT_READ = "in a format that is not read"


@dataclass(frozen=True)
class Tree:
    """The images below a root, as names relative to it, and what is known of each.

    Attributes:
        root: how messages name it.
        names: files, `/` between folders, in reading order.
        layout: what their folders mean.
        splits_in_names: whether the files' own names say their splits.
        annotations: columns of the annotations, by composed name.
        files: the files below the root.
    """

    root: str
    names: Sequence[str]
    layout: Layout
    splits_in_names: bool
    annotations: Annotations
    files: Files

    def image(self, name: str, opener: Callable[[], Image.Image], held: int = 0) -> RawImage:
        """Return one image of the tree, whose opener holds so many bytes."""
        place, folders = self._place(name), folders_of(name)
        said = self.annotations.get(composed(readable(name)), {})
        published = split_within(_stem(name)) if self.splits_in_names else place.split
        return RawImage(
            readable(name),
            readable(place.label),
            opener,
            split_name(said.get("split"), self.root) or published,
            group(said.get("group"), self.root) or (readable(place.group) if place.group else None),
            readable("/".join(folders)) if len(folders) > self.layout.level else None,
            held,
        )

    def found(self, images: Iterator[RawImage]) -> Found:
        """Return the images, made by `image` one by one, as what the source holds."""
        understood = list(self.layout.understood)
        if self.splits_in_names:
            splits = {split_within(_stem(name)) or "" for name in self.names}
            understood.append(told((split, "names of files") for split in splits))
        return Found(
            len(self.names),
            images,
            ordered({readable(self._place(name).label) for name in self.names}),
            skipped=self.files.skipped,
            understood=tuple(map(readable, understood)),
            doubts=(*map(readable, self.layout.doubts), *_not_read(self.files)),
        )

    def _place(self, name: str) -> Place:
        return self.layout.places[folders_of(name)]


def _not_read(files: Files) -> tuple[str, ...]:
    """Say how many images are not read, if any, and what to do for each of their endings."""
    if NOT_READ not in files.skipped:
        return ()
    number, first = files.skipped[NOT_READ]
    advices = [f"{ending}: {advice(ending)}" for ending in sorted({e for _, e in files.foreign})]
    said = "1 image is" if number == 1 else f"{number} images are"
    return (f"{said} {NOT_READ}, such as {first}: {'; '.join(advices)}",)


def folders_of(name: str) -> Folders:
    """Return the folders that a file lies in."""
    return tuple(name.split("/")[:-1])


def sift(names: Iterable[str], skipped: Skipped, params: IngestParams, where: str) -> Files:
    """Return the images among files, and count the others in `skipped`.

    Raises:
        UserError: there are more than `params.max_images`.
    """
    foreign: dict[tuple[Folders, str], str] = {}

    def images() -> Iterator[str]:
        for name in names:
            reason = _reason(name, params)
            if reason is None:
                yield name
            elif reason:
                skip(skipped, reason, readable(name))
            if reason == NOT_READ:
                foreign.setdefault((folders_of(name), _ending(name)), name)

    return Files(sorted(at_most(images(), params, where)), foreign, skipped)


def _reason(name: str, params: IngestParams) -> str | None:
    """Return why a file is not to be read, None if it is, or "" if that is no news."""
    if in_rubbish(name):
        return HIDDEN
    if name == params.annotations:
        return ""
    if not asked_for(name, params.files):
        return "not asked for by ingest.files"
    if is_generated(name):
        return MADE
    ending = _ending(name)
    if is_picture(name):
        return None if ending in endings() else NOT_READ
    return f"{ending} files" if ending else "files without an ending"


def is_picture(name: str) -> bool:
    """Return whether a file is an image by its ending, read or not."""
    return _ending(name) in endings() or advice(_ending(name)) is not None


def grow(root: str, files: Files, annotations: Annotations) -> Tree:
    """Find classes, and splits if there are any, in the names of images.

    Raises:
        UserError: there is nothing, a class has no image that is read, or the annotations name
            other files.
    """
    layout = understand({*map(folders_of, files.images), *(folder for folder, _ in files.foreign)})
    inside = []
    for name in files.images:
        if folders_of(name) in layout.places:
            inside.append(name)
        else:
            skip(files.skipped, layout.outside, readable(name))
    labels = {layout.places[folder].label for folder in set(map(folders_of, inside))}
    for (folder, ending), name in files.foreign.items():
        if folder in layout.places and layout.places[folder].label not in labels:
            raise UserError(
                f"class {readable(layout.places[folder].label)!r} in {root} holds no images that "
                f"are read; {readable(name)}: {advice(ending)}"
            )
    if not inside:
        raise UserError(
            f"{root} holds no class directories with images; make one a class{_seen(files)}"
        )
    known = {composed(readable(name)) for name in files.images} if annotations else set()
    unknown = annotations.keys() - known
    if unknown:
        raise UserError(
            f"ingest.annotations: {len(unknown)} of its files are not images below {root}, "
            f"the first is {min(unknown)!r}"
        )
    return Tree(root, inside, layout, _splits_in_names(inside, layout), annotations, files)


def no_empty_class(
    root: str, pictured: set[Folders], seen: Iterable[Folders], names: Iterable[str]
) -> None:
    """Refuse folders without images that would be classes if they had any.

    Args:
        root: how messages name the source.
        pictured: folders of images.
        seen: all folders.
        names: all files and links; they are looked through for what is there instead.

    Raises:
        UserError: there is such a folder.
    """
    # In order, what a folder holds comes right after it.
    ordered = sorted({*seen, *pictured, ()})
    deepest = {f for f, after in pairwise([*ordered, ()]) if after[: len(f)] != f}
    bare = {f for f in deepest - pictured if not any(map(is_rubbish, f))}
    layout = understand(pictured | bare)
    labels = {layout.places[folder].label for folder in pictured & layout.places.keys()}
    for folder in sorted(bare & layout.places.keys()):
        if layout.places[folder].label not in labels:
            inner = "/".join(folder[: layout.level])
            raise UserError(
                f"class folder {readable(f'{root}/{inner}')!r} holds no images"
                f"{_instead(inner, names)}"
            )


def _instead(folder: str, names: Iterable[str]) -> str:
    """Say which files a folder holds, by their endings, the most first, and what to do."""
    inside = [name for name in names if name.startswith(f"{folder}/") and not in_rubbish(name)]
    pictures = sorted(filter(is_picture, inside))
    if links := [name for name in pictures if not is_generated(name)]:
        return (
            f", but links ({_such_as(links)}) to images that count where they lie: "
            "leave these out by ingest.files, or keep them outside of ingest.path"
        )
    if pictures:
        return (
            f", but some that are {MADE} ({_such_as(pictures)}): add real ones, or leave the class "
            "out by ingest.files"
        )
    found = Counter(sorted(_ending(name) or "without an ending" for name in inside))
    each = ", ".join(f"{number} × {readable(ending)}" for ending, number in found.most_common(3))
    return f"{f' ({each})' if each else ''}: fill it or delete it, or pick images by ingest.files"


def _such_as(names: Sequence[str]) -> str:
    return f"{len(names)}, such as {readable(posixpath.basename(names[0]))}"


def _ending(name: str) -> str:
    return posixpath.splitext(name)[1].lower()


def _seen(files: Files) -> str:
    each = [f"{n} × {reason}, such as {first}" for reason, (n, first) in files.skipped.items()]
    return f" (there are {'; '.join(each)})" if each else ""


def _splits_in_names(names: Sequence[str], layout: Layout) -> bool:
    """Return whether all files say a split in their own names, and more than one is said."""
    if any(place.split for place in layout.places.values()):
        return False
    said = set()
    for name in names:
        split = split_within(_stem(name))
        if split is None:
            return False
        said.add(split)
    return len(said) > 1


def _stem(name: str) -> str:
    return posixpath.splitext(posixpath.basename(name))[0]


def read_annotations(content: bytes, where: str) -> Annotations:
    """Return the columns of a CSV that names a split or a group a file, by composed name.

    Raises:
        UserError: it is no UTF-8 CSV, lacks columns, names splits or groups that cannot be, has
            two of them for a file, or one for no file.
    """
    try:
        text = io.StringIO(content.decode("utf-8-sig"), newline="")
        rows = list(csv.DictReader(text))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"ingest.annotations: {where} is not a UTF-8 CSV file ({error})") from None
    columns = set(rows[0]) if rows else set()
    if "file" not in columns or not columns & {"split", "group"}:
        raise UserError(f"{where}: needs a column 'file' and a column 'split' or 'group'")
    known: dict[str, Mapping[str, str]] = {}
    before: dict[str, tuple[str | None, str | None]] = {}
    for line, row in enumerate(rows, start=2):
        here = f"{where}, line {line}"
        said = split_name(row.get("split"), here), group(row.get("group"), here)
        if missing(row["file"]):
            if any(said):
                raise UserError(f"{here}: names no file for its split or group")
            continue
        name = composed(spelled(row["file"]))
        if before.setdefault(name, said) != said:
            raise UserError(f"{here}: {name!r} has another split or group in a line before")
        known[name] = row
    return known
