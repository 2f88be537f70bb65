"""gan-augment: synthetic images for small labelled sets, with proof of whether they help.

`load` opens an augmented set, `pull` fetches a published version of one. Nothing is imported before
it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gan_augment.data import Data, load
    from gan_augment.versions import pull

__all__ = ["Data", "load", "pull"]

_HOMES = {
    "Data": "gan_augment.data",
    "load": "gan_augment.data",
    "pull": "gan_augment.versions",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
