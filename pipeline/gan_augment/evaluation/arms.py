"""The ways to train a classifier that are compared: each turns the same images into a training set.

A `gan` arm uses the generator, a `plain` arm is what a user would do without one, a `control` is
measured to understand the others and is never recommended. docs/arms.md tells what each is.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gan_augment import table
from gan_augment.decision import GAN
from gan_augment.evaluation import views
from gan_augment.evaluation.classic import POLICIES
from gan_augment.evaluation.training_set import (
    NO_IMAGE,
    Extent,
    TrainingSet,
    Views,
    copies_compared,
    of_images,
    resampled,
)
from gan_augment.params import ClassicParams, EvaluateParams
from gan_augment.seeding import rng
from gan_augment.synthesis.baselines import BASELINES
from gan_augment.table import FeatureSpace, Images

MOST = 3
RATIOS = (1.0, 0.125, 0.25, 0.5, 2.0, 3.0)
"""Images that are added, over those in data/synthetic; with none, an arm would be `real`."""
SHARES = (0.5, 0.125, 0.25, 0.75, 1.0, 2.0)
"""Images that take the place of repeated real ones, over those in data/synthetic; with none, an arm
would be `classic`."""
EXPONENTS = (1.0, 0.125, 0.25, 0.5, 0.75, 1.25)
ALPHAS = (0.2, 0.1, 0.4, 0.6, 0.8, 1.0)
FIRST = (0.5, 0.05, 0.1, 0.25, 0.75, 0.9)
FRESH = (0.5, 0.0625, 0.125, 0.25, 0.75, 1.0)
RAW = "gan-raw"
"""Images of the generator that passed no gates, as a method."""
SYNTHETIC_ONLY = "synthetic-only"
CLASSIC = "classic"
"""The arm that chooses how images are transformed, for all that do."""


@dataclass(frozen=True)
class Material:
    """What arms are made of.

    Attributes:
        real: the train split.
        synthetic: a draw of the images that ship: data/synthetic, or another by another seed.
        raw: from counts by class, int64 C, to as many images of the generator that passed no gates.
        classic: what classic augmentation may do.
        views: where they are features, those of transformed real images, if arms need them.
    """

    real: Images
    synthetic: Images
    raw: Callable[[NDArray[np.int64]], Images]
    classic: ClassicParams
    views: Views | None = None


Option = float | str | None
Mix = Literal["mixup", "cutmix"]
Make = Callable[[Option, ClassicParams], TrainingSet]
"""(a choice, how images are transformed) → training set."""


class Arm(NamedTuple):
    """A way to train.

    Attributes:
        prepare: (material, seed) → how training sets are made, so that options share the work.
        kind: what the arm stands for.
        options: what validation chooses from; the first where nothing is tuned, but of `classic`.
        on_classic: whether images are transformed, by the policy chosen for `classic`.
        networks: whether it needs a classifier that learns in steps.
        adds: the methods whose images come to the real ones.
        mix: how the images of a batch are mixed, if they are.
    """

    prepare: Callable[[Material, int], Make]
    kind: Literal["gan", "plain", "control"]
    options: tuple[Option, ...] = (None,)
    on_classic: bool = False
    networks: bool = False
    adds: tuple[str, ...] = ()
    mix: Mix | None = None


def real(material: Material, _: int) -> Make:
    """Take the real images as they are."""
    return lambda _, __: of_images(material.real)


def class_weights(material: Material, _: int) -> Make:
    """Weigh images by a power of their class's rarity (classifiers without weights ignore it)."""
    counts = material.real.counts()

    def make(exponent: Option, _: ClassicParams) -> TrainingSet:
        weights = rarity(counts, float(exponent or 0))[material.real.labels]
        return replace(of_images(material.real), weights=weights)

    return make


def rarity(counts: NDArray[np.int64], exponent: float) -> NDArray[np.float64]:
    """Return a weight of each class, a power of its rarity, float64 C; of images 1 in the mean."""
    weights = (counts.sum() / (len(counts) * np.maximum(counts, 1))) ** exponent
    return weights * counts.sum() / (weights * counts).sum()


def _adding(*methods: str) -> Callable[[Material, int], Make]:
    """Add `ratio` times as many images as data/synthetic has, the same number of each method."""

    def prepare(material: Material, seed: int) -> Make:
        draw = _drawing(material, methods, seed)

        def make(ratio: Option, _: ClassicParams) -> TrainingSet:
            plain, synthetic = draw(ratio)
            return of_images(material.real, *plain, synthetic=synthetic)

        return make

    return prepare


def _on_classic(*methods: str) -> Callable[[Material, int], Make]:
    """Do as `classic`, a share of the repeated images replaced, by as many of each method.

    A class never gets fewer images than there.
    """

    def prepare(material: Material, seed: int) -> Make:
        draw = _drawing(material, methods, seed)
        counts = material.synthetic.counts()

        def make(share: Option, params: ClassicParams) -> TrainingSet:
            plain, synthetic = draw(share)
            added = sum(part.counts() for part in (*plain, synthetic) if part is not None)
            repeated = _repeated(material, seed, np.maximum(counts - added, 0))
            made = of_images(material.real, repeated, *plain, synthetic=synthetic)
            return replace(made, classic=params, views=material.views)

        return make

    return prepare


def _drawing(
    material: Material, methods: Sequence[str], seed: int
) -> Callable[[Option], tuple[list[Images], Images | None]]:
    """Return a function from a ratio to the images of simpler methods, and to the GAN's, if any."""
    counts = material.synthetic.counts()
    simpler = [
        BASELINES[name](material.real, MOST * counts, seed) for name in methods if name != GAN
    ]

    def draw(ratio: Option) -> tuple[list[Images], Images | None]:
        each = float(1 if ratio is None else ratio) / len(methods)
        synthetic = take(material.synthetic, counts, each, seed) if GAN in methods else None
        return [take(images, counts, each, seed) for images in simpler], synthetic

    return draw


def classic(material: Material, seed: int) -> Make:
    """Balance the classes with real images, and transform all images slightly."""
    balanced = _balanced(material, seed, material.synthetic.counts())
    return lambda policy, params: replace(
        balanced, classic=params.model_copy(update={"policy": policy}), views=material.views
    )


def _mixed(kind: Mix) -> Callable[[Material, int], Make]:
    """Do as `classic`, and mix the images of a batch."""

    def prepare(material: Material, seed: int) -> Make:
        balanced = _balanced(material, seed, material.synthetic.counts())
        return lambda alpha, params: replace(
            balanced, classic=params, mix=(kind, float(alpha or ALPHAS[0]))
        )

    return prepare


def _gan_mixed(kind: Mix) -> Callable[[Material, int], Make]:
    """Do as `gan+classic`, and mix the images of a batch, real and synthetic ones alike."""

    def prepare(material: Material, seed: int) -> Make:
        make = _on_classic(GAN)(material, seed)
        return lambda share, params: replace(make(share, params), mix=(kind, ALPHAS[0]))

    return prepare


def gan_raw(material: Material, seed: int) -> Make:
    """Add images of the generator that no gate has seen."""
    counts = material.synthetic.counts()
    raw = material.raw(MOST * counts)
    return lambda ratio, _: of_images(material.real, synthetic=take(raw, counts, ratio, seed))


def gan_weighted(material: Material, seed: int) -> Make:
    """Add the synthetic images, each with the weight that the gates gave it."""
    counts = material.synthetic.counts()

    def make(ratio: Option, _: ClassicParams) -> TrainingSet:
        synthetic = take(material.synthetic, counts, ratio, seed)
        made = of_images(material.real, synthetic=synthetic)
        weights = made.weights.copy()
        weights[made.synthetic] = _weights(synthetic)
        return replace(made, weights=weights)

    return make


def gan_soft(material: Material, seed: int) -> Make:
    """Do as `gan+classic`, with the class probabilities of synthetic images for their labels."""
    counts = material.synthetic.counts()

    def make(share: Option, params: ClassicParams) -> TrainingSet:
        synthetic = take(material.synthetic, counts, share, seed)
        rest = np.maximum(counts - synthetic.counts(), 0)
        made = _balanced(material, seed, rest, synthetic)
        targets = np.eye(made.classes)[made.labels]
        targets[made.synthetic] = _soft_labels(synthetic)
        return replace(made, classic=params, soft=targets)

    return make


def gan_fresh(material: Material, seed: int) -> Make:
    """Do as `gan+classic`, with other images of the generator, ungated, in every epoch."""
    counts = material.synthetic.counts()
    raw = material.raw(MOST * counts)

    def make(ratio: Option, params: ClassicParams) -> TrainingSet:
        share = min(float(ratio or 0), 1.0)
        rest = counts - _share(counts, share)
        chosen = take(raw, counts, MOST * share, seed)
        balanced = _balanced(material, seed, rest, chosen)
        return replace(balanced, classic=params, schedule="fresh")

    return make


def gan_first(material: Material, seed: int) -> Make:
    """Train on synthetic images first, then on balanced real ones; all are transformed slightly."""
    even = np.full_like(material.real.counts(), material.real.counts().max())
    balanced = _balanced(material, seed, material.synthetic.counts(), material.raw(even))
    return lambda first, params: replace(
        balanced, classic=params, schedule="first", first=float(first or 0)
    )


def synthetic_only(material: Material, _: int) -> Make:
    """Put synthetic images in the place of the real ones: the classification accuracy score."""
    images = of_images(stand_in(material))
    made = replace(
        images,
        real=0,
        synthetic=np.ones(len(images.labels), bool),
        shows=np.full(len(images.labels), NO_IMAGE),
    )
    return lambda _, __: made


def _plus(kind: Literal["gan", "plain"], *methods: str, on_classic: bool = False) -> Arm:
    """Return the arm that adds images of these methods to real ones, or to those of `classic`."""
    if on_classic:
        return Arm(_on_classic(*methods), kind, SHARES, on_classic=True, adds=methods)
    return Arm(_adding(*methods), kind, RATIOS, adds=methods)


def _mixing(kind: Mix) -> Arm:
    """Return the arm that mixes the images of `classic`; validation chooses α."""
    return Arm(_mixed(kind), "plain", ALPHAS, on_classic=True, networks=True, mix=kind)


def _gan_mixing(kind: Mix) -> Arm:
    """Return the arm that mixes those of `gan+classic`; validation chooses the share."""
    prepare = _gan_mixed(kind)
    return Arm(prepare, "gan", SHARES, on_classic=True, networks=True, adds=(GAN,), mix=kind)


ARMS: dict[str, Arm] = {
    "real": Arm(real, "plain"),
    "class-weights": Arm(class_weights, "plain", EXPONENTS),
    "oversample": _plus("plain", "oversample"),
    "smote": _plus("plain", "smote"),
    "gmm": _plus("plain", "gmm"),
    "gaussian": _plus("plain", "gaussian"),
    CLASSIC: Arm(classic, "plain", tuple(POLICIES)),
    "smote+classic": _plus("plain", "smote", on_classic=True),
    "gmm+classic": _plus("plain", "gmm", on_classic=True),
    "gmm+smote+classic": _plus("plain", "gmm", "smote", on_classic=True),
    "mixup": _mixing("mixup"),
    "cutmix": _mixing("cutmix"),
    "gan": _plus("gan", GAN),
    "gan+gmm": _plus("gan", GAN, "gmm"),
    "gan+smote": _plus("gan", GAN, "smote"),
    "gan+gaussian": _plus("gan", GAN, "gaussian"),
    "gan-raw": Arm(gan_raw, "gan", RATIOS, adds=(RAW,)),
    "gan-weighted": Arm(gan_weighted, "gan", RATIOS, adds=(GAN,)),
    "gan+classic": _plus("gan", GAN, on_classic=True),
    "gan+gmm+classic": _plus("gan", GAN, "gmm", on_classic=True),
    "gan+smote+classic": _plus("gan", GAN, "smote", on_classic=True),
    "gan+mixup": _gan_mixing("mixup"),
    "gan+cutmix": _gan_mixing("cutmix"),
    "gan-soft": Arm(gan_soft, "gan", SHARES, on_classic=True, networks=True, adds=(GAN,)),
    "gan-fresh": Arm(gan_fresh, "gan", FRESH, on_classic=True, networks=True, adds=(RAW,)),
    "gan-first": Arm(gan_first, "gan", FIRST, on_classic=True, networks=True, adds=(RAW,)),
    "placebo": Arm(_adding("placebo"), "control", adds=("placebo",)),
    SYNTHETIC_ONLY: Arm(synthetic_only, "control"),
}


def options(name: str, space: FeatureSpace | None) -> tuple[Option, ...]:
    """Return what validation chooses from: of features, `classic` has the policies of views."""
    return views.POLICIES if name == CLASSIC and space else ARMS[name].options


def extent(real: int, synthetic: int, params: EvaluateParams) -> Extent:
    """Return the extent of a comparison with so many real and synthetic training images.

    The largest arm adds the most that validation chooses from.
    """
    made = copies_compared(real, synthetic)
    sizes = [
        resampled(real + int(_most(name, params) * synthetic)) * (1 + made * transforms(name))
        for name in params.arms
        if not ARMS[name].networks
    ]
    return Extent(made, max(sizes))


def _most(name: str, params: EvaluateParams) -> float:
    """Return how many times the images in data/synthetic an arm adds or repeats at most."""
    tried = ARMS[name].options if ARMS[name].adds and params.tuning_repeats else ()
    return max([1.0, *(float(option) for option in tried if option)])


def transforms(name: str) -> bool:
    """Return whether an arm transforms images."""
    return name == CLASSIC or ARMS[name].on_classic


def without_additions(names: Iterable[str]) -> tuple[str, ...]:
    """Return the arms that there are where no image was made: those that add none."""
    return tuple(name for name in names if not ARMS[name].adds)


def of_real_images(name: str) -> bool:
    """Return whether all rows of an arm are real images, as they are or repeated."""
    return set(ARMS[name].adds) <= {"oversample"} and name != SYNTHETIC_ONLY


def followable(name: str) -> bool:
    """Return whether a user can follow an arm, with the images that may ship and code."""
    arm = ARMS[name]
    return arm.kind != "control" and RAW not in arm.adds


def stand_in(material: Material) -> Images:
    """Return images of the generator that passed no gates, as many of each class as real ones."""
    return material.raw(material.real.counts())


def take(images: Images, counts: NDArray[np.int64], ratio: Option, seed: int) -> Images:
    """Return the images of `taken`."""
    return images.select(taken(images.labels, counts, ratio, seed))


def taken(
    labels: NDArray[np.int64], counts: NDArray[np.int64], ratio: Option, seed: int
) -> NDArray[np.intp]:
    """Return rows of each class drawn at random by the seed, `ratio` × `counts`, in class order.

    They come round again where a class has too few. None is 1. A larger ratio takes the rows of a
    smaller one and more. The first rows of a class would not do: those that a fallback made come
    last, and draws from a mixture come component by component.
    """
    by_class = [
        rng(seed, "taken", label).permutation(np.flatnonzero(labels == label))
        for label in range(len(counts))
    ]
    wanted = _share(counts, ratio).tolist()
    return np.concatenate(
        [np.resize(rows, n * bool(len(rows))) for rows, n in zip(by_class, wanted, strict=True)]
    )


def _share(counts: NDArray[np.int64], ratio: Option) -> NDArray[np.int64]:
    return np.rint(counts * float(1 if ratio is None else ratio)).astype(np.int64)


def _balanced(
    material: Material, seed: int, extra: NDArray[np.int64], synthetic: Images | None = None
) -> TrainingSet:
    return of_images(material.real, _repeated(material, seed, extra), synthetic=synthetic)


def _repeated(material: Material, seed: int, extra: NDArray[np.int64]) -> Images:
    return BASELINES["oversample"](material.real, extra, seed)


def _weights(synthetic: Images) -> NDArray[np.float64]:
    """Return the weight of each image, float64 N; 1 where it has none."""
    if "weight" not in synthetic.rows:
        return np.ones(len(synthetic))
    return synthetic.rows["weight"].fillna(1.0).to_numpy(np.float64)


def _soft_labels(synthetic: Images) -> NDArray[np.float64]:
    """Return class probabilities of each image, float64 N×C; its label where it has none."""
    cells = synthetic.rows.get("soft_labels", ())
    return table.soft_labels(cells, synthetic.labels, len(synthetic.classes))
