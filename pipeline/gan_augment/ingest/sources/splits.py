"""How people write the names of published splits."""

import re
import unicodedata
from collections.abc import Iterable

from gan_augment.errors import UserError
from gan_augment.ingest.sources.missing import says_missing
from gan_augment.table import SPLITS

_WORDS = {
    **dict.fromkeys(("train", "training", "trainval", "trn"), "train"),
    **dict.fromkeys(
        ("validation", "valid", "validate", "val", "dev", "eval", "evaluation"), "validation"
    ),
    **dict.fromkeys(("test", "testing", "tst", "t10k", "holdout"), "test"),
}
_BESIDE = r"sets?|data|dataset|images?|imgs?|pictures|photos|samples|folder|split|seg|\d+"
"""What stands beside such a word: train_set, test-images, seg_train, val2017."""
_NAME = re.compile(rf"(?:(?:{_BESIDE})[\W_]+)*({'|'.join(_WORDS)})(?:[\W_]*(?:{_BESIDE}))*")
_FOLD = re.compile(r"(?:cv|fold|k-?fold)[\W_]*\d+")


def split_of(name: str) -> str | None:
    """Return the split that a folder is called after, in any case, or None."""
    found = _NAME.fullmatch(unicodedata.normalize("NFKC", name).strip().casefold())
    return _WORDS[found[1]] if found else None


def split_within(name: str) -> str | None:
    """Return the split that a word of a file's name says, or None where none or several do.

    `train-00000-of-00002.parquet` and `emnist-letters-test-images-idx3-ubyte` say one.
    """
    words = re.split(r"[\W_]+", name.casefold())
    found = {_WORDS[word] for word in words if word in _WORDS}
    return found.pop() if len(found) == 1 else None


def is_fold(name: str) -> bool:
    """Return whether a folder is called as the folds of a cross-validation are, such as fold3."""
    return _FOLD.fullmatch(name.strip().casefold()) is not None


def split_name(cell: str | None, where: str) -> str | None:
    """Return the split that a cell of a table gives, or None where it gives none.

    Raises:
        UserError: it is no split; `where` says whose it is.
    """
    if cell is None or says_missing(cell):
        return None
    found = split_of(cell)
    if found is None:
        raise UserError(
            f"{where}: split {cell!r}; allowed: {', '.join(SPLITS)}, as people write them "
            f"({', '.join(name for name in _WORDS if name not in SPLITS)}), or nothing"
        )
    return found


def told(readings: Iterable[tuple[str, str]]) -> str:
    """Say which folders were read as which splits, from pairs of split and folder."""
    pairs = set(readings)
    each = [
        f"{split} from {', '.join(sorted(folder for s, folder in pairs if s == split))}"
        for split in SPLITS
        if any(s == split for s, _ in pairs)
    ]
    return "published splits: " + "; ".join(each)
