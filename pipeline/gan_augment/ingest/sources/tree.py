"""One directory a class: what folders and archives have in common."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch

from PIL import Image

from gan_augment.errors import UserError
from gan_augment.ingest.sources.raw import SPLIT_NAMES, RawImage, endings, split_name
from gan_augment.params import IngestParams


@dataclass(frozen=True)
class Tree:
    """The images below a root, as names relative to it, and what is known of each.

    Attributes:
        root: how messages name it.
        names: files, `/` between folders, in reading order.
        split_first: whether the first folder is a split and the second the class.
        annotations: columns of the annotations by name.
    """

    root: str
    names: Sequence[str]
    split_first: bool
    annotations: dict[str, dict[str, str]]

    def image(self, name: str, opener: Callable[[], Image.Image]) -> RawImage:
        """Return one image of the tree."""
        folders = name.split("/")
        said = self.annotations.get(name, {})
        published = folders[0] if self.split_first else None
        return RawImage(
            name,
            folders[1 if self.split_first else 0],
            opener,
            split_name(said.get("split") or published, self.root),
            said.get("group") or None,
        )


def is_image(name: str) -> bool:
    """Return whether a file is an image by its ending, and neither it nor its folder is hidden."""
    *folders, last = name.split("/")
    dot = last.rfind(".")
    hidden = any(part.startswith((".", "__MACOSX")) for part in (*folders, last))
    return not hidden and dot > 0 and last[dot:].lower() in endings()


def grow(
    root: str, names: Sequence[str], annotations: dict[str, dict[str, str]], params: IngestParams
) -> Tree:
    """Find classes, and splits if the top folders are splits, in the names of images.

    Only names that match `params.files` are kept.

    Raises:
        UserError: there is nothing, or the annotations name other files.
    """
    if params.files is not None:
        names = [name for name in names if fnmatch(name, params.files)]
    tops = {name.split("/", 1)[0] for name in names if "/" in name}
    if not tops:
        raise UserError(f"{root} holds no class directories with images; make one a class")
    unknown = annotations.keys() - set(names) if annotations else set()
    if unknown:
        raise UserError(
            f"{params.annotations}: {len(unknown)} of its files are not images below {root}, "
            f"the first is {min(unknown)!r}"
        )
    split_first = len(tops) > 1 and tops <= SPLIT_NAMES.keys()
    depth = 2 if split_first else 1
    inside = [name for name in names if name.count("/") >= depth]
    return Tree(root, inside, split_first, annotations)


def read_annotations(content: bytes, where: str) -> dict[str, dict[str, str]]:
    """Return the columns of a CSV that names a split or a group a file, by file.

    Raises:
        UserError: it is no UTF-8 CSV, lacks columns or names splits that do not exist.
    """
    try:
        text = io.StringIO(content.decode("utf-8-sig"), newline="")
        rows = list(csv.DictReader(text))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"ingest.annotations: {where} is not a UTF-8 CSV file ({error})") from None
    columns = set(rows[0]) if rows else set()
    if "file" not in columns or not columns & {"split", "group"}:
        raise UserError(f"{where}: needs a column 'file' and a column 'split' or 'group'")
    for line, row in enumerate(rows, start=2):
        split_name(row.get("split"), f"{where}, line {line}")
    return {row["file"]: row for row in rows}
