"""What was found of one thing, and what to do about it."""

from dataclasses import dataclass
from typing import Literal

from gan_augment.errors import without_passwords

State = Literal["ok", "attention", "not needed"]


@dataclass(frozen=True)
class Finding:
    """What was found of one thing.

    Attributes:
        about: the thing.
        state: whether it is as it should be; "not needed" if that does not matter for most.
        said: what it is, or what is the matter and what to do about it.
        stops: whether a run, or the publishing that the project is set up for, would fail.
    """

    about: str
    state: State
    said: str
    stops: bool = False


def ok(about: str, said: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(about, "ok", without_passwords(said))


def attention(about: str, said: str, *, stops: bool) -> Finding:
    """Return a finding that asks for something to be done, which `said` tells."""
    return Finding(about, "attention", without_passwords(said), stops)


def not_needed(about: str, said: str) -> Finding:
    """Return a finding that something is not there; `said` says first what does not need it."""
    return Finding(about, "not needed", without_passwords(said))
