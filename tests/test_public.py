"""What `import gan_augment` gives, and what it leaves alone until it is used."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gan_augment
from gan_augment import table

NEW = """
import sys
before = set(sys.modules)
{code}
new = {{name.split(".")[0] for name in set(sys.modules) - before}}
print(*sorted(new - sys.stdlib_module_names))
"""


def imported(code: str, *arguments: str) -> set[str]:
    """Return the packages, but Python's own, that code imports in a fresh interpreter."""
    command = [sys.executable, "-c", NEW.format(code=code), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_it_imports_nothing_else() -> None:
    assert imported("import gan_augment") == {"gan_augment"}


def test_loading_needs_no_torch(tmp_path: Path) -> None:
    rows = table.encode(
        np.zeros((1, 1, 4, 4), np.uint8), np.array([0]), ("a",), split="train", origin="real"
    )
    table.write(tmp_path / "one", [rows], ("a",))
    code = "from gan_augment import load; load(sys.argv[1]).frame"
    found = imported(code, str(tmp_path / "one"))
    assert "pandas" in found
    assert not found & {"torch", "torchvision", "sklearn", "datasets", "dvc", "prefect", "fsspec"}


def test_names_are_found() -> None:
    assert set(gan_augment.__all__) <= set(dir(gan_augment))
    for name in gan_augment.__all__:
        assert getattr(gan_augment, name).__name__ == name
    with pytest.raises(AttributeError, match="module 'gan_augment' has no attribute 'lod'"):
        _ = gan_augment.lod
