"""The stages of a project's dvc.yaml beside those of the installed package."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

FILE = Path("dvc.yaml")
INSTALLED = files("gan_augment.project").joinpath("files", "stages.yaml")


def outdated(root: Path) -> str:
    """Return what to do if stages in `root` are not those of the installed package, "" if they are.

    After an upgrade a project still has those of the version that made it. Stages and files to
    depend on that the user added are no concern.
    """
    if not (root / FILE).exists():
        return ""
    own = _stages((root / FILE).read_text(encoding="utf-8"))
    now = _stages(INSTALLED.read_text(encoding="utf-8"))
    names = [name for name, stage in now.items() if _as_installed(own.get(name), stage) != stage]
    if not names:
        return ""
    what = "stages" if len(names) > 1 else "stage"
    return (
        f"other {what} than in {FILE} since this version: {', '.join(names)}; copy {INSTALLED} "
        "over it, or take over what you want"
    )


def _as_installed(own: dict[str, Any] | None, installed: dict[str, Any]) -> dict[str, Any] | None:
    """Return a stage without the files that it depends on and the installed one does not."""
    if not own or "deps" not in own:
        return own
    known = installed.get("deps", ())
    return {**own, "deps": [path for path in own["deps"] if path in known]}


def _stages(content: str) -> dict[str, Any]:
    stages: dict[str, Any] = (yaml.safe_load(content) or {}).get("stages") or {}
    return stages
