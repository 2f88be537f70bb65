"""The gate before publishing: only what has earned it becomes a version."""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from gan_augment import params
from gan_augment.storage import read_record

if TYPE_CHECKING:
    from gan_augment.decision import Decision

VERDICT = Path("reports/verdict.json")
MEMORISATION = Path("reports/synthesis/memorisation.json")
GENERATOR = "models/generator"
MADE = ("data/synthetic", "data/draws")
"""What `generate.method` made, whatever the recipe uses."""


def refusals(root: Path, override: str | None, published: Collection[str] = ()) -> list[str]:
    """Return why the dataset in `root` may not be published; empty if it may.

    The verdict must be one that `assemble.require` accepts, and a recipe without synthetic images
    must surely beat real images alone, unless somebody overrides it with a reason. Whether the
    generator copied training images is not a matter of taste: a memorisation check that failed, or
    was not run, cannot be overridden. It must have passed if the recipe uses the generator's
    images, and if they or the generator itself are published.

    Args:
        root: the project.
        override: why to publish although the verdict does not suffice.
        published: the paths of the artifacts that become versions, as in dvc.yaml.

    Raises:
        UserError: there is no verdict, or params.yaml is not valid.
    """
    from gan_augment.decision import GAN

    decided, settings = decision(root), params.load(root / "params.yaml")
    found = [] if override else decided.weak or _idle(root, decided, settings)
    if (method := settings.generate.method) != GAN:
        return found + _of_others(method) if GENERATOR in published else found
    if GAN in decided.methods or {GENERATOR, *MADE}.intersection(published):
        return found + _memorisation(root / MEMORISATION)
    return found


def _idle(root: Path, decided: "Decision", settings: params.Params) -> list[str]:
    """Return why a recipe without synthetic images is no news to who has the real ones."""
    if decided.methods or settings.assemble.require == "none":
        return []
    if read_record(root / VERDICT, "recipes")["recipes"][decided.arm]["beats_real"]:
        return []
    return [f"{decided.sentence} It does not surely beat real images as they are"]


def decision(root: Path) -> "Decision":
    """Return whose synthetic images `assemble` ships, and what speaks against them.

    Raises:
        UserError: there is no verdict, or params.yaml is not valid.
    """
    from gan_augment.decision import decide

    verdict, memorisation = read_record(root / VERDICT, "overall"), root / MEMORISATION
    outcome = read_record(memorisation) if memorisation.exists() else {}
    settings = params.load(root / "params.yaml").assemble
    return decide(settings, verdict, {"passed": None, "reasons": [], **outcome})


def _of_others(method: str) -> list[str]:
    """Return why a generator may not be published that made no images."""
    return [
        "the memorisation check was not run on the generator: the images that it looked at are "
        f"of generate.method = {method!r}"
    ]


def _memorisation(path: Path) -> list[str]:
    if not path.exists():
        return [f"the memorisation check was not run: {MEMORISATION} is missing"]
    outcome = read_record(path)
    if outcome.get("passed") is True:
        return []
    reasons = "; ".join(outcome.get("reasons") or ["no reason given"])
    return [f"the memorisation check failed: {reasons}"]
