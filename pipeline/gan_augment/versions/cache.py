"""Where what was fetched is kept: the user's cache folder, or that in GAN_AUGMENT_CACHE.

| folder | what |
|---|---|
| `repositories/HASH.git` | a bare repository a URL, with the commits of the tags asked for |
| `files` | DVC's store: files by their hash |
| `versions/HASH` | a version's folder by the hash of what is in it; never changes |
| `tables/HASH` | a table from an address, see `gan_augment.data.source` |
| `locks` | so that two who pull the same at once wait for each other |
"""

from importlib.util import find_spec
from pathlib import Path

from gan_augment.errors import UserError
from gan_augment.storage import cache_directory


def folder() -> Path:
    """Return the cache's folder.

    Raises:
        UserError: DVC, with which versions are pulled, is not installed.
    """
    require_dvc()
    return cache_directory()


def require_dvc() -> None:
    """Raise a UserError if DVC is not installed."""
    if not all(find_spec(name) for name in ("dvc", "gto")):
        raise UserError("versions need DVC: pip install 'gan-augment[dvc]'")
