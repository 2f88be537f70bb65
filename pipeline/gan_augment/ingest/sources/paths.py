"""Names of files, as archives, tables and disks spell them: one spelling, and what is rubbish."""

import posixpath
import re
import unicodedata
from fnmatch import fnmatch, translate

_LEFT = (
    *(".*", "*~", "~$*", "__macosx", "icon\r", "network trash folder", "temporary items"),
    *("thumbs.db", "ehthumbs*.db", "desktop.ini", "$recycle.bin", "system volume information"),
    *("@eadir", "#recycle", "#snapshot", "lost+found", "__pycache__"),
)
"""What systems, their file managers and editors leave beside files; hidden files are theirs."""
GENERATED = ".synthetic"
"""What comes before the ending in the name of a generated image, in folders that are exported."""
_RUBBISH = re.compile("|".join(map(translate, _LEFT)))


def spelled(name: str) -> str:
    r"""Return the one spelling of a path: `/` between its parts, no empty ones, no `.`.

    `./a//b.png`, `a\b.png` and `a/./b.png` are `a/b.png`. What leads out keeps its `..` or `/` in
    front.
    """
    plain = posixpath.normpath(name.replace("\\", "/"))
    return "/" + plain.lstrip("/") if plain.startswith("/") else plain


def leads_out(name: str) -> bool:
    """Return whether a spelled path leaves the folder that it counts from."""
    return name == ".." or name.startswith(("/", "../"))


def asked_for(name: str, pattern: str | None) -> bool:
    """Return whether `ingest.files` picks a spelled path: `*` stands for `/`, too; None is all."""
    return pattern is None or fnmatch(name, pattern)


def composed(name: str) -> str:
    """Return a name with composed letters (NFC), by which names from two systems are compared."""
    return unicodedata.normalize("NFC", name)


def is_rubbish(part: str) -> bool:
    """Return whether a file or folder is hidden, or left there by a system."""
    return _RUBBISH.match(part.casefold()) is not None


def in_rubbish(name: str) -> bool:
    """Return whether a spelled path is rubbish, or lies in a folder that is."""
    return any(map(is_rubbish, name.split("/")))


def is_generated(name: str) -> bool:
    """Return whether a file is a generated image, as exports name these."""
    return posixpath.splitext(name)[0].endswith(GENERATED)
