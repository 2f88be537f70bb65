"""What may ship: whose recipe, with whose synthetic images, and what speaks against them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gan_augment import table
from gan_augment.errors import UserError
from gan_augment.params import AssembleParams
from gan_augment.recipe import best

SUFFICES: dict[str, tuple[str, ...]] = {
    "helps": ("helps",),
    "level": ("helps", "level"),
    "undecided": ("helps", "level", "undecided"),
    "none": ("helps", "level", "undecided", "no gain", "worse", "harms"),
}
"""What `assemble.require` accepts as a verdict on the GAN."""

GAN = "gan"
NOTHING_MADE = "nothing made"
"""The verdict where data/synthetic is empty."""


class Decision(NamedTuple):
    """Whose recipe ships, and what speaks against the synthetic images of the preferred one.

    Attributes:
        preferred: the arm that does best on validation, of those that `assemble.method` allows.
        methods: whose synthetic images it uses: `gan` for what is in data/synthetic, or keys of
            `BASELINES`; none if it needs real images only.
        otherwise: the arm that does best on validation of those that need real images only.
        weak: why the images of `methods` are not worth having; empty if they are.
        copied: why they must not be shown to anybody; empty if they may.
        unjudged: why nobody knows whether the generator copies; empty if it is known, or made no
            image.
    """

    preferred: str
    methods: tuple[str, ...]
    otherwise: str
    weak: list[str]
    copied: list[str]
    unjudged: Sequence[str] = ()

    @property
    def refusals(self) -> list[str]:
        """All that speaks against them."""
        return self.weak + self.copied

    @property
    def arm(self) -> str:
        """The arm whose recipe ships."""
        return self.otherwise if self.refusals else self.preferred

    @property
    def sources(self) -> tuple[str, ...]:
        """The methods whose images ship with the real ones."""
        return () if self.refusals else self.methods

    @property
    def method(self) -> str | None:
        """The same in a word."""
        return "+".join(self.sources) or None

    @property
    def sentence(self) -> str:
        """What ships, and why no more than that."""
        if self.sources:
            methods = " and ".join(self.sources)
            doubt = "; ".join(self.unjudged)
            doubt = doubt and f" (whether the generator copies was not judged: {doubt})"
            return f"Real images, and synthetic ones by {methods}, as {self.arm}{doubt}."
        if not self.refusals and self.arm == "real":
            return "Real images as they are: on validation no recipe is better."
        if not self.refusals:
            return f"Real images only: {self.arm}, on validation the best recipe, needs no others."
        what = "Real images as they are" if self.arm == "real" else f"Real images, as {self.arm}"
        why = "; ".join(self.refusals)
        if self.methods:
            why = f"on validation {self.preferred} is better, but {why}"
        return f"{what}: {why}."


def decide(
    params: AssembleParams, verdict: Mapping[str, Any], memorisation: Mapping[str, Any]
) -> Decision:
    """Return whose recipe ships.

    It is the one that does best on validation. The GAN's images need the verdict that
    `params.require` names, and must not be found to be copies. Undecided is enough only where they
    surely beat real images alone, as an arm with those of simpler methods needs to. The word is
    about the best arm with the GAN: another one, which `params.method` asks for, is as if
    undecided. Where the images may not ship, the best recipe with real images only does.

    Args:
        params: the section `assemble`.
        verdict: content of verdict.json.
        memorisation: content of memorisation.json.
    """
    passed, reasons = memorisation["passed"], memorisation["reasons"]
    copied = [f"the generator copies: {why}" for why in reasons if passed is False]
    unjudged = reasons if passed is None and memorisation.get("images") != 0 else ()
    recipes: Mapping[str, Mapping[str, Any]] = verdict.get("recipes", {})
    if not recipes:  # a verdict of an earlier version: its word is about the GAN's images
        return Decision(GAN, (GAN,), "real", _weak_gan(params, verdict), copied, unjudged)
    otherwise = best(recipes, [arm for arm, found in recipes.items() if not found["methods"]])
    if params.method == "auto":
        preferred = best(recipes)
    else:
        asked = set(params.method.split("+"))
        named = [arm for arm, found in recipes.items() if set(found["methods"]) == asked]
        preferred = best(recipes, named) if named else ""
    methods = tuple(recipes[preferred]["methods"]) if preferred else ()
    if not methods:
        weak = _nothing(params, verdict, preferred)
        return Decision(preferred or otherwise, (), otherwise, weak, [])
    if GAN in methods:
        weak = _weak_gan(params, verdict, preferred)
        return Decision(preferred, methods, otherwise, weak, copied, unjudged)
    earned = params.require == "none" or recipes[preferred]["beats_real"]
    weak = [] if earned else [f"{preferred} does not surely beat real images alone"]
    return Decision(preferred, methods, otherwise, weak, [])


def same_data(verdict: Mapping[str, Any], real: Path, synthetic: Path) -> None:
    """Check that a verdict is about these image tables; no image is opened.

    Raises:
        UserError: it is about others.
    """
    for name, path in (("real images", real), ("synthetic images", synthetic)):
        if verdict["provenance"][name] != table.table_hash(path):
            raise UserError(f"the verdict is about other images than {path}: run `dvc repro`")


def _nothing(params: AssembleParams, verdict: Mapping[str, Any], preferred: str) -> list[str]:
    """Return why there are no images of the methods that were asked for."""
    if verdict["overall"]["verdict"] == NOTHING_MADE:
        return ["no synthetic image was made"]
    if not preferred:
        return [f"no arm of evaluate.arms has images of {params.method} alone"]
    return []


def _weak_gan(
    params: AssembleParams, verdict: Mapping[str, Any], arm: str | None = None
) -> list[str]:
    """Return why the images of an arm with the GAN, or of the best one, are not worth having."""
    overall, accepted = verdict["overall"], SUFFICES[params.require]
    word, beats_real = overall["verdict"], overall.get("beats_real")
    said = f"the verdict is {word!r}"
    if arm and arm != (about := overall.get("gan_arm", arm)):
        said = f"the verdict is about {about}, not {arm}"
        word, beats_real = "undecided", verdict["recipes"][arm]["beats_real"]
    if word not in accepted:
        wanted = " or ".join(accepted)
        return [f"{said}, and assemble.require = {params.require!r} wants {wanted}"]
    if word == "undecided" and params.require == "undecided" and not beats_real:
        return [f"{said}, and the GAN does not surely beat real images alone"]
    return []
