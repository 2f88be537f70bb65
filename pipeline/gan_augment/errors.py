"""The one exception a user should ever see, and the look-up that raises it most."""

import difflib
import errno
import os
import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

Entry = TypeVar("Entry")
MAKE_ROOM = "make room, or set TMPDIR to a folder elsewhere"
NO_TEMPORARY = "No usable temporary directory"
"""What `tempfile` says where every place for scratch files is full."""
_PASSWORD = re.compile(
    r"(?<=://)[^/?#\s:@]*:[^/?#\s]*@|((?<=http://)|(?<=https://))[^/?#\s]*@", re.IGNORECASE
)


class UserError(Exception):
    """Something the user can put right: the message says what, where, and what to do.

    Logs keep what it says, so passwords in addresses are left out.
    """

    def __init__(self, message: str) -> None:
        super().__init__(without_passwords(message))


def without_passwords(text: str) -> str:
    """Return a text in which addresses have neither `user:password@` nor, on the web, `token@`."""
    return _PASSWORD.sub("", text)


def shortened(text: str, most: int = 200) -> str:
    """Return a text, or its start where it is long."""
    return text if len(text) <= most else f"{text[:most]}…"


def reason(error: BaseException) -> str:
    """Return what an error says in a line, or its start where it is long."""
    return shortened(without_passwords(" ".join(str(error).split())) or type(error).__name__)


def choose(registry: Mapping[str, Entry], name: str, key: str) -> Entry:
    """Return `registry[name]`.

    Raises:
        UserError: no such entry; names the params key, the value and what is allowed.
    """
    if name not in registry:
        raise UserError(f"{key} = {name!r}: {hint(name, registry)}")
    return registry[name]


def hint(name: str, allowed: Iterable[str]) -> str:
    """Say what is allowed in place of `name`, the closest match first."""
    allowed = list(allowed)
    close = difflib.get_close_matches(name, allowed, n=1)
    return (f"did you mean {close[0]!r}? " if close else "") + f"allowed: {', '.join(allowed)}"


def of_the_disk(error: BaseException) -> str | None:
    """Return what to say of an error if it, or one that led to it, is a disk's; else None.

    Libraries in Rust say so in words alone.
    """
    full = errno.ENOSPC, errno.EDQUOT, errno.EFBIG
    elsewhere = "work in a folder that can be written, or set TMPDIR to one"
    faults = [
        *((number, os.strerror(number), MAKE_ROOM) for number in full),
        (errno.ENOSPC, NO_TEMPORARY, MAKE_ROOM),
        (errno.EROFS, os.strerror(errno.EROFS), elsewhere),
    ]
    found: BaseException | None = error
    while found:
        for number, words, what in faults:
            if getattr(found, "errno", None) == number or words in str(found):
                place = getattr(found, "filename", None)
                where = f" ({os.fsdecode(place)})" if place else ""
                return f"{words.lower()}{where}: {what}"
        found = found.__cause__ or found.__context__
    return None


def of_a_file(error: BaseException) -> str | None:
    """Return what to say of an error if the system says of a file what is the matter; else None."""
    if not isinstance(error, OSError) or not error.strerror:
        return None
    match error.filename:
        case str() | bytes() | os.PathLike() as file:
            return without_passwords(f"{os.fsdecode(file)}: {error.strerror}")
    return None
