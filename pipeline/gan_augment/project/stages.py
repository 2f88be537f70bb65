"""The stages of a project's dvc.yaml beside those of the installed package."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from gan_augment.errors import UserError, reason
from gan_augment.plain_yaml import parse

FILE = Path("dvc.yaml")
INSTALLED = files("gan_augment.project").joinpath("files", "stages.yaml")
FREE = ("desc", "meta")
"""Keys of a stage that change nothing of what it makes, such as what flows go by."""


def outdated(root: Path) -> str:
    """Return what to do if stages in `root` are not those of the installed package, "" if they are.

    After an upgrade a project still has those of the version that made it. Stages and files to
    depend on that the user added are no concern, nor are `desc` and `meta`.

    Raises:
        UserError: dvc.yaml cannot be read, or is not what DVC takes.
    """
    if not (root / FILE).exists():
        return ""
    try:
        text = (root / FILE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{root / FILE} cannot be read: {reason(error)}") from None
    own = _stages(text, root / FILE)
    now = _stages(INSTALLED.read_text(encoding="utf-8"), FILE)
    names = [
        name
        for name, stage in now.items()
        if _compared(own.get(name), stage) != _compared(stage, stage)
    ]
    if not names:
        return ""
    what = "stages" if len(names) > 1 else "stage"
    return (
        f"other {what} than in {FILE} since this version: {', '.join(names)}; copy {INSTALLED} "
        "over it, or take over what you want"
    )


def _compared(stage: Any, installed: Mapping[str, Any]) -> Any:
    """Return a stage without what changes nothing, and without what the user made it depend on."""
    if not isinstance(stage, dict):
        return stage
    kept = {key: value for key, value in stage.items() if key not in FREE}
    if isinstance(deps := kept.get("deps"), list):
        kept["deps"] = [path for path in deps if path in installed.get("deps", ())]
    return kept


def _stages(text: str, where: Path) -> dict[str, Any]:
    match parse(text, str(where)):
        case {"stages": dict() as stages}:
            return stages
        case None | {"stages": None}:
            return {}
        case dict() as content if "stages" not in content:
            return {}
    raise UserError(f"{where}: should be a mapping, and so should its stages")
