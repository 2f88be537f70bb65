"""The stages of a project's dvc.yaml beside those of the installed package."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

FILE = Path("dvc.yaml")
INSTALLED = files("gan_augment.project").joinpath("files", "stages.yaml")


def outdated(root: Path) -> str:
    """Return what to do if stages in `root` are not those of the installed package, "" if they are.

    After an upgrade a project still has those of the version that made it. Stages that the user
    added are no concern.
    """
    if not (root / FILE).exists():
        return ""
    own = _stages((root / FILE).read_text(encoding="utf-8"))
    now = _stages(INSTALLED.read_text(encoding="utf-8"))
    names = [name for name, stage in now.items() if own.get(name) != stage]
    if not names:
        return ""
    what = "stages" if len(names) > 1 else "stage"
    return (
        f"other {what} than in {FILE} since this version: {', '.join(names)}; copy {INSTALLED} "
        "over it, or take over what you want"
    )


def _stages(content: str) -> dict[str, Any]:
    stages: dict[str, Any] = (yaml.safe_load(content) or {}).get("stages") or {}
    return stages
