"""gan-augment: synthetic images for small labelled sets, with proof of whether they help.

`load` opens an augmented set, `load_classifier` the classifier that was trained on it, `pull`
fetches a published version. Nothing is imported before it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gan_augment.data import Data, load, load_classifier
    from gan_augment.versions import pull

__all__ = ["Data", "load", "load_classifier", "pull"]

_HOMES = {
    "Data": "gan_augment.data",
    "load": "gan_augment.data",
    "load_classifier": "gan_augment.data",
    "pull": "gan_augment.versions",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
