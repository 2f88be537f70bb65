"""Versions of a dataset: built, published, pulled. It needs DVC, and only when it is called.

```python
from gan_augment import versions

folder = versions.pull("git@git.example.org:bolts.git", "v1.2.0")
```
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gan_augment.versions.download import pull
    from gan_augment.versions.listing import list_versions

__all__ = ["list_versions", "pull"]


def __getattr__(name: str) -> Any:
    """Import what is asked for, and nothing before."""
    if name == "pull":
        from gan_augment.versions.download import pull

        return pull
    if name == "list_versions":
        from gan_augment.versions.listing import list_versions

        return list_versions
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
