"""Environments of the peers: their packages from PyPI, torch and its kin from this project."""

import json
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path


def python_with(packages: Sequence[str], folder: Path) -> Path:
    """Return the Python of a virtual environment in `folder`, which is made if need be.

    Packages are installed without their dependencies: what they need and `packages` does not name
    (torch, numpy, …) comes from this project's environment, so that all contestants run on the
    same build of torch, and gigabytes need not be installed again.

    Args:
        packages: requirements with exact versions, `name==version`.
        folder: replaced if it was made of other packages or for another project environment.

    Raises:
        subprocess.CalledProcessError: a package could not be installed; the tool has said why.
    """
    shared = sysconfig.get_paths()["purelib"]
    made_of, made = folder / "made_of.json", json.dumps([sys.version, shared, *packages])
    python = folder / "bin" / "python"
    if made_of.exists() and made_of.read_text() == made:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*install, "--python", python, *packages], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    # A line of a .pth file goes to the end of the path: the peer's own packages come first.
    (site / "project.pth").write_text(shared + "\n")
    made_of.write_text(made)
    return python
