"""What the folders above images mean: classes, published splits, folds."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from gan_augment.ingest.sources.splits import is_fold, split_of, told

Folders = tuple[str, ...]


class Place(NamedTuple):
    """What a folder says of the images in it."""

    label: str
    split: str | None = None
    group: str | None = None


class Layout(NamedTuple):
    """What the folders of a source mean.

    Attributes:
        places: what each folder says; those of no class are left out.
        outside: why images in the others are left aside.
        understood: sentences on how the folders were read, where that is not beyond doubt.
        doubts: sentences on where that may be wrong.
        level: folders from the root down to a class, or to a split in it: further ones part it.
    """

    places: Mapping[Folders, Place]
    outside: str = "not in a class folder"
    understood: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    level: int = 0


def understand(folders: Iterable[Folders]) -> Layout:
    """Return what folders mean, each given as the names from the root down to it.

    A single folder around everything is looked through. Then come classes; or folders called after
    splits or folds, with classes in them; or classes, each with folders called after splits.
    """
    whole = set(folders)
    depth = around(whole)
    inside = {folder for folder in whole if len(folder) > depth}
    tops = {folder[depth] for folder in inside}
    splits = {top: split for top in tops if (split := split_of(top))}
    outer = "/".join(min(inside, default=())[:depth])
    looked = (f"classes are the folders in {outer}",) if outer else ()
    if len(set(splits.values())) > 1 and _below(inside, depth, splits):
        return _split_first(inside, depth, splits, looked)
    if len(tops) > 1 and all(map(is_fold, tops)) and _shared(inside, depth, tops):
        places = {f: Place(f[depth + 1], group=f[depth]) for f in inside if len(f) > depth + 1}
        read = f"folds: {', '.join(sorted(tops))}, each of which stays in one split"
        return Layout(places, "in no class folder of a fold", (*looked, read), level=depth + 2)
    if inside and all(len(f) > depth + 1 and split_of(f[depth + 1]) for f in inside):
        pairs = [(split_of(f[depth + 1]) or "", f[depth + 1]) for f in inside]
        if len({split for split, _ in pairs}) > 1:
            places = {f: Place(f[depth], split_of(f[depth + 1])) for f in inside}
            read = f"{told(pairs)}, in each class folder"
            return Layout(places, understood=(*looked, read), level=depth + 2)
    return _classes(inside, depth, splits, looked)


def _classes(
    folders: set[Folders], depth: int, splits: Mapping[str, str], looked: tuple[str, ...]
) -> Layout:
    """Return the layout of classes; doubt it where what they hold may be the classes."""
    places = {folder: Place(folder[depth]) for folder in folders}
    layout = Layout(places, understood=looked, level=depth + 1)
    tops = {folder[depth] for folder in folders}
    if len(tops) < 2 or not _shared(folders, depth, tops):
        return layout
    below = {folder[depth + 1] for folder in folders if len(folder) > depth + 1}
    read = f"classes are {_listed(tops)}, the outer folders, and not {_listed(below)} in them"
    advice = (
        "if they are splits, call them train, validation and test"
        if splits
        else "if they are years, sites or cameras, make the class folders the outer ones"
    )
    return layout._replace(doubts=(f"{read}: {advice}",))


def _listed(names: Iterable[str], most: int = 5) -> str:
    first = sorted(names)
    return ", ".join(first[:most]) + (", …" if len(first) > most else "")


def around(folders: set[Folders]) -> int:
    """Return the number of folders that hold everything and are not classes themselves."""
    depth = 0
    while folders and min(map(len, folders)) > depth + 1 and len({f[depth] for f in folders}) == 1:
        depth += 1
    return depth


def _below(folders: set[Folders], depth: int, splits: Mapping[str, str]) -> bool:
    """Return whether splits hold folders, and where there are others beside them, the same ones."""
    tops = {folder[depth] for folder in folders}
    if tops == splits.keys():
        return True
    return _shared(folders, depth, splits)


def _shared(folders: set[Folders], depth: int, tops: Iterable[str]) -> bool:
    """Return whether all of some folders hold the same two or more."""
    each = [
        {f[depth + 1] for f in folders if f[depth] == top and len(f) > depth + 1} for top in tops
    ]
    return len(set.intersection(*each)) > 1


def _split_first(
    folders: set[Folders], depth: int, splits: Mapping[str, str], looked: tuple[str, ...]
) -> Layout:
    labelled = {f for f in folders if f[depth] in splits and len(f) > depth + 1}
    # seg_train/seg_train/cat: a folder around the classes of each split.
    levels = [around({f for f in labelled if f[depth] == top}) for top in splits]
    level = max(depth + 1, min(levels))
    places = {f: Place(f[level], splits[f[depth]]) for f in labelled}
    read = told((split, top) for top, split in splits.items())
    beside = sorted({f[depth] for f in folders} - splits.keys())
    if beside:
        read += f"; what lies beside them is not read: {', '.join(beside)}"
    outside = "in no class folder of a published split"
    return Layout(places, outside, (*looked, read), level=level + 1)
