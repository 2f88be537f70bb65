"""The stages of a project's dvc.yaml beside those of the installed package."""

from importlib.resources import files
from pathlib import Path
from typing import Any

from gan_augment.errors import UserError, reason
from gan_augment.plain_yaml import parse

FILE = Path("dvc.yaml")
INSTALLED = files("gan_augment.project").joinpath("files", "stages.yaml")


def outdated(root: Path) -> str:
    """Return what to do if stages in `root` are not those of the installed package, "" if they are.

    After an upgrade a project still has those of the version that made it. Stages and files to
    depend on that the user added are no concern.

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
    names = [name for name, stage in now.items() if _as_installed(own.get(name), stage) != stage]
    if not names:
        return ""
    what = "stages" if len(names) > 1 else "stage"
    return (
        f"other {what} than in {FILE} since this version: {', '.join(names)}; copy {INSTALLED} "
        "over it, or take over what you want"
    )


def _as_installed(own: Any, installed: dict[str, Any]) -> Any:
    """Return a stage without the files that it depends on and the installed one does not."""
    match own:
        case {"deps": list() as deps}:
            known = installed.get("deps", ())
            return {**own, "deps": [path for path in deps if path in known]}
    return own


def _stages(text: str, where: Path) -> dict[str, Any]:
    match parse(text, str(where)):
        case {"stages": dict() as stages}:
            return stages
        case None | {"stages": None}:
            return {}
        case dict() as content if "stages" not in content:
            return {}
    raise UserError(f"{where}: should be a mapping, and so should its stages")
