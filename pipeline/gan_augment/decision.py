"""What may ship: whose synthetic images, and what speaks against them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from gan_augment import table
from gan_augment.errors import UserError
from gan_augment.params import AssembleParams

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
    """A method, and what speaks against its images: the verdict, or that they are copies.

    Attributes:
        method: `gan` for what is in data/synthetic, a key of `BASELINES`, or two with a `+`; None
            where there are no such images.
        weak: why they are not worth having; empty if they are.
        copied: why they must not be shown to anybody; empty if they may.
    """

    method: str | None
    weak: list[str]
    copied: list[str]

    @property
    def sources(self) -> list[str]:
        """The methods whose images are put together."""
        return self.method.split("+") if self.method else []

    @property
    def refusals(self) -> list[str]:
        """All that speaks against them."""
        return self.weak + self.copied


def decide(
    params: AssembleParams, verdict: Mapping[str, Any], memorisation: Mapping[str, Any]
) -> Decision:
    """Return whose images ship.

    The GAN's need the verdict that `params.require` names, and must not be copies. Undecided is
    enough only where they surely beat real images alone, as those of a simpler method need to.

    Args:
        params: the section `assemble`.
        verdict: content of verdict.json.
        memorisation: content of memorisation.json.
    """
    if verdict["overall"]["verdict"] == NOTHING_MADE:
        return Decision(None, ["no synthetic image was made"], [])
    method: str = params.method
    if method == "auto":
        method = verdict["methods"]["preferred"] or GAN
    if GAN in method.split("+"):
        copied = memorisation["reasons"] if memorisation["passed"] is False else []
        return Decision(
            method, _weak_gan(params, verdict), [f"the generator copies: {why}" for why in copied]
        )
    lifts = verdict["methods"]["lifts"].get(method)
    if params.require == "none" or lifts:
        return Decision(method, [], [])
    if lifts is None:
        return Decision(method, [f"{method} is not among evaluate.arms"], [])
    return Decision(method, [f"{method} does not surely beat real images alone"], [])


def same_data(verdict: Mapping[str, Any], real: Path, synthetic: Path) -> None:
    """Check that a verdict is about these image tables; no image is opened.

    Raises:
        UserError: it is about others.
    """
    for name, path in (("real images", real), ("synthetic images", synthetic)):
        if verdict["provenance"][name] != table.table_hash(path):
            raise UserError(f"the verdict is about other images than {path}: run `dvc repro`")


def _weak_gan(params: AssembleParams, verdict: Mapping[str, Any]) -> list[str]:
    overall = verdict["overall"]
    word, accepted = overall["verdict"], SUFFICES[params.require]
    if word not in accepted:
        wanted = " or ".join(accepted)
        return [
            f"the verdict is {word!r}, and assemble.require = {params.require!r} wants {wanted}"
        ]
    if word == "undecided" and params.require == "undecided" and not overall["beats_real"]:
        return ["the verdict is 'undecided', and the GAN does not surely beat real images alone"]
    return []
