"""Classic augmentation in torchvision's words: for one image, to call or to copy as code.

`evaluation.classic` does the same to whole batches, faster; there shifts are in fractions of a
pixel, here they are whole ones.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from gan_augment.errors import choose
from gan_augment.params import ClassicParams

if TYPE_CHECKING:
    from torchvision.transforms import v2

OPERATIONS, MAGNITUDE, MAGNITUDES = 2, 9, 31
ERASED_AREA = 0.02, 0.2
ERASED_ASPECT = 0.3, 3.3
LINE = 80


class Step(NamedTuple):
    """A class of `torchvision.transforms.v2`, and its arguments."""

    name: str
    options: Mapping[str, Any]


class Interpolation(NamedTuple):
    """A name of `InterpolationMode`, as an argument."""

    name: str


class Dtype(NamedTuple):
    """A name of torch's types, as an argument."""

    name: str


class Each(NamedTuple):
    """Steps that differ in one argument, which goes from 0 to just `below`, as an argument."""

    step: Step
    varied: str
    below: int


def affine(params: ClassicParams, strength: float = 1.0) -> list[Step]:
    """Return the steps that turn, shift, scale and perhaps mirror, params × strength."""
    turn, shift, zoom = (
        round(strength * value, 6) for value in (params.degrees, params.translate, params.scale)
    )
    options = {
        "degrees": turn,
        "translate": (min(shift, 1.0), min(shift, 1.0)),
        "scale": (max(round(1 - zoom, 6), 0.1), round(1 + zoom, 6)),
        "interpolation": Interpolation("BILINEAR"),
    }
    return [Step("RandomAffine", options), *_flip(params)]


def erasing(params: ClassicParams) -> list[Step]:
    """Return the steps of `affine`, and one that blackens a rectangle of every second image."""
    options = {"p": 0.5, "scale": ERASED_AREA, "ratio": ERASED_ASPECT}
    return [*affine(params), Step("RandomErasing", options)]


def rand_augment(params: ClassicParams) -> list[Step]:
    """Return the step of two operations at a fixed strength."""
    return [Step("RandAugment", {"num_ops": OPERATIONS, "magnitude": MAGNITUDE}), *_flip(params)]


def trivial_augment(params: ClassicParams) -> list[Step]:
    """Return the step of one operation at a random strength."""
    strengths = Each(Step("RandAugment", {"num_ops": 1}), "magnitude", MAGNITUDES)
    return [Step("RandomChoice", {"transforms": strengths}), *_flip(params)]


def _flip(params: ClassicParams) -> list[Step]:
    return [Step("RandomHorizontalFlip", {})] if params.flip else []


POLICIES: dict[str, Callable[[ClassicParams], list[Step]]] = {
    "affine": affine,
    "gentle-affine": lambda params: affine(params, 0.5),
    "strong-affine": lambda params: affine(params, 2.0),
    "erasing": erasing,
    "rand-augment": rand_augment,
    "trivial-augment": trivial_augment,
}
"""What each of `evaluation.classic` is."""


def build(params: ClassicParams | None, *, picture: bool = False) -> "v2.Compose":
    """Return the transform from Pillow's image to a float tensor C×H×W, 0–1.

    Args:
        params: its policy and bounds; None changes no image.
        picture: back to Pillow's image, for a backbone to look at.

    Raises:
        UserError: there is no such policy.
    """
    from torchvision.transforms import v2

    inner = [made(step) for step in _steps(params)]
    return v2.Compose([v2.ToImage(), *inner, made(_last(picture))])


def code(params: ClassicParams | None, *, picture: bool = False) -> str:
    """Return the code of what `build` returns; it needs `torch`, unless of a picture, and `v2`."""
    steps = Step("ToImage", {}), *_steps(params), _last(picture)
    lines = "".join(f"    {_wrapped(step)},\n" for step in steps)
    return f"v2.Compose([\n{lines}])"


def made(step: Step) -> "v2.Transform":
    """Return the object that a step stands for."""
    from torchvision.transforms import v2

    return getattr(v2, step.name)(**{name: _value(value) for name, value in step.options.items()})


def call(step: Step) -> str:
    """Return the code that makes it."""
    return f"v2.{step.name}({', '.join(_arguments(step))})"


def _wrapped(step: Step) -> str:
    """Return the code within a list, an argument a line where it would be too long."""
    short = call(step)
    if len(short) <= LINE:
        return short
    arguments = "".join(f"        {argument},\n" for argument in _arguments(step))
    return f"v2.{step.name}(\n{arguments}    )"


def _last(picture: bool) -> Step:
    """Return the step to what is wanted: Pillow's image, or a tensor."""
    if picture:
        return Step("ToPILImage", {})
    return Step("ToDtype", {"dtype": Dtype("float32"), "scale": True})


def _steps(params: ClassicParams | None) -> list[Step]:
    return choose(POLICIES, params.policy, "policy")(params) if params else []


def _value(value: Any) -> Any:
    import torch
    from torchvision.transforms import v2

    match value:
        case Interpolation(name):
            return v2.InterpolationMode[name]
        case Dtype(name):
            return getattr(torch, name)
        case Each(step, varied, below):
            return [made(Step(step.name, {**step.options, varied: n})) for n in range(below)]
    return value


def _arguments(step: Step) -> Iterator[str]:
    for name, value in step.options.items():
        match value:
            case Interpolation(mode):
                yield f"{name}=v2.InterpolationMode.{mode}"
            case Dtype(kind):
                yield f"{name}=torch.{kind}"
            case Each(inner, varied, below):
                some = ", ".join([*_arguments(inner), f"{varied}=n"])
                yield f"{name}=[v2.{inner.name}({some}) for n in range({below})]"
            case _:
                yield f"{name}={value!r}"
