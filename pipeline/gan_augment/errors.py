"""The one exception a user should ever see, and the look-up that raises it most."""

import difflib
from collections.abc import Iterable, Mapping
from typing import TypeVar

Entry = TypeVar("Entry")


class UserError(Exception):
    """Something the user can put right: the message says what, where, and what to do."""


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
