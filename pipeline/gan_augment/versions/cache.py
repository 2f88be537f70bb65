"""Where pulled versions are kept: the user's cache folder, or that in GAN_AUGMENT_CACHE.

| folder | what |
|---|---|
| `repositories/HASH.git` | a bare repository a URL, with the commits of the tags asked for |
| `files` | DVC's store: files by their hash |
| `versions/HASH` | a version's folder by the hash of what is in it; never changes |
| `locks` | so that two who pull the same at once wait for each other |
"""

import os
from pathlib import Path

from gan_augment.errors import UserError

CACHE = "GAN_AUGMENT_CACHE"
"""Environment variable: the folder to use instead of the user's cache folder."""


def folder() -> Path:
    """Return the cache's folder.

    Raises:
        UserError: DVC, with which versions are pulled, is not installed.
    """
    require_dvc()
    import platformdirs

    chosen = os.environ.get(CACHE)
    return Path(chosen or platformdirs.user_cache_dir("gan-augment")).expanduser().absolute()


def require_dvc() -> None:
    """Raise a UserError if DVC is not installed."""
    try:
        import dvc  # noqa: F401
        import gto  # noqa: F401
    except ModuleNotFoundError:
        raise UserError("versions need DVC: pip install 'gan-augment[dvc]'") from None
