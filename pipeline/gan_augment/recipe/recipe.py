"""A recipe as verdict.json has it: which rows, how often, which weights, which transforms."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from gan_augment.errors import UserError, choose
from gan_augment.params import ClassicParams
from gan_augment.recipe import transforms

if TYPE_CHECKING:
    from torchvision.transforms import v2


SETTINGS = ("classifier", "synthetic, times", "real again, of the plan", "transform", "right, %")


@dataclass(frozen=True)
class Recipe:
    """A way to train that the comparison measured, with the settings of one of its classifiers.

    Attributes:
        arm: the arm of the comparison.
        methods: whose synthetic images it uses; none if it needs real ones only.
        classifier: the classifier that the settings were chosen for.
        share: how often a synthetic row is seen in an epoch, while a real one is seen once.
        again: how often real rows are seen once more, over the images that the plan wants.
        planned: class → images that the plan wants.
        class_weights: class → weight of its rows in the loss, 1 in the mean; None is all alike.
        classic: how every image is transformed while training; None is not at all.
        copies: where rows are features, so many transformed copies of each real image are looked at
            by the backbone, before training; None where images are transformed while training.
        of_images: whether it is for what learns from images, though rows have features.
        copies_of_all: whether synthetic rows are images, too, so that there are copies of them.
        mix: how the images of a batch are mixed, `mixup` or `cutmix`, and the α of their shares.
        weighted: whether each row counts by its own weight (`Data.weights`).
        soft: whether synthetic rows have probabilities for labels (`Data.soft_labels`).
        score: balanced accuracy on the test images, the mean over classifiers, each with settings
            of its own: mean, low and high of the 95 % interval, 0–1.
        against_real: the difference to real images alone, likewise; None for those themselves.
        classifiers: classifier → the settings chosen for it, and its `validation` and `score`.
        named: the arguments of `Data.recipe_of`, and of a sampler, by which it is had; none if it
            is that of what ships.
    """

    arm: str
    methods: tuple[str, ...]
    classifier: str
    share: float
    again: float
    planned: Mapping[str, int]
    class_weights: Mapping[str, float] | None
    classic: ClassicParams | None
    copies: int | None
    copies_of_all: bool
    of_images: bool
    mix: tuple[str, float] | None
    weighted: bool
    soft: bool
    score: Mapping[str, float]
    against_real: Mapping[str, float] | None
    classifiers: Mapping[str, Mapping[str, Any]]
    named: Mapping[str, str]

    def transform(self) -> "v2.Compose":
        """Return torchvision's transform from Pillow's image to a float tensor C×H×W, 0–1.

        Where a backbone looks at the result, it is Pillow's image again.
        """
        return transforms.build(self.classic, picture=bool(self.copies))

    def mixer(self) -> "v2.Transform | None":
        """Return torchvision's transform of whole batches, images and labels, if they are mixed."""
        if self.mix is None:
            return None
        return transforms.made(self._mixer)

    @cached_property
    def sentence(self) -> str:
        """What to do, and what that reached."""
        low, mean, high = (100 * self.score[key] for key in ("low", "mean", "high"))
        reached = f"Balanced accuracy {mean:.1f} % ({low:.1f} to {high:.1f})"
        if self.against_real:
            low, mean, high = (100 * self.against_real[key] for key in ("low", "mean", "high"))
            reached += f", {mean:+.1f} points ({low:+.1f} to {high:+.1f}) against real images alone"
        what = ", ".join(self._words())
        return f"{self.arm}: {what}. {reached}; test images, mean over classifiers, 95 % intervals."

    @property
    def settings(self) -> list[list[str]]:
        """A line a classifier, under `SETTINGS`: name, settings, and score, per cent."""
        return [
            [
                name,
                f"{found['share']:g}",
                f"{found['again']:g}",
                (found["classic"] or {}).get("policy", "–"),
                f"{100 * found['score']:.1f}",
            ]
            for name, found in self.classifiers.items()
        ]

    def code(self, source: str = "data/augmented") -> str:
        """Return Python that follows the recipe: the loader of batches, and what the loss needs.

        Where a backbone looks at transformed images: the features and labels to train a head on.

        Args:
            source: the folder or address of the image table.
        """
        lines = self._embedding(source) if self.copies else self._lines(source)
        return "\n".join(lines) + "\n"

    def _words(self) -> Iterator[str]:
        if self.methods:
            yield f"real images, and synthetic ones by {' and '.join(self.methods)}"
            often = "once" if self.share == 1 else f"{self.share:g} times"
            yield f"each of them seen {often} an epoch"
        else:
            yield "real images only"
        if self.again:
            yield "classes evened out by repeating real ones"
        if self.class_weights:
            yield "classes weighted in the loss"
        if self.weighted:
            yield "synthetic ones weighted by how sure their labels are"
        if self.soft:
            yield "synthetic ones with probabilities for labels"
        if self.classic and self.copies:
            copies = (
                "a transformed copy" if self.copies == 1 else f"{self.copies} transformed copies"
            )
            which = "all" if self.copies_of_all else "real ones"
            yield f"{which} also as {copies} ({self.classic.policy})"
        elif self.classic:
            yield f"all transformed ({self.classic.policy})"
        if self.mix:
            yield f"mixed in batches ({self.mix[0]}, α {self.mix[1]:g})"

    def _lines(self, source: str) -> Iterator[str]:
        transformed = self.classic or self.of_images
        needs_torch = transformed or self.class_weights
        if needs_torch:
            yield "import torch"
        yield "from torch.utils.data import DataLoader"
        if transformed or self.mix:
            yield "from torchvision.transforms import v2"
        yield from ("", "from gan_augment import load", "")
        yield f"data = load({json.dumps(source)})"
        options = []
        if transformed:
            yield f"transform = {transforms.code(self.classic)}  # {self._itself}.transform()"
            options.append("transform=transform")
        options += [f"{name}=True" for name in ("soft", "weighted") if getattr(self, name)]
        yield f"train = data.torch({', '.join(options)})"
        sampler = f"train.sampler({self._arguments})"
        yield f"batches = DataLoader(train, batch_size=64, sampler={sampler})"
        if self.class_weights:
            weights = ", ".join(f"{weight:.4g}" for weight in self.class_weights.values())
            yield "# in the order of data.classes"
            yield f"loss = torch.nn.CrossEntropyLoss(weight=torch.tensor([{weights}]))"
        if self.weighted:
            yield "# a batch is images, labels and weights: multiply each row's loss by its weight"
        if self.mix:
            yield f"mix = {transforms.call(self._mixer)}  # images, labels = mix(images, labels)"

    def _embedding(self, source: str) -> Iterator[str]:
        yield from ("import numpy as np", "from torchvision.transforms import v2")
        yield from ("", "from gan_augment import load", "")
        yield f'data = load({json.dumps(source)}, split="train")'
        made = transforms.code(self.classic, picture=True)
        yield f"transform = {made}  # {self._itself}.transform()"
        yield f"rows = np.array([*data.torch().sampler({self._arguments})])  # an epoch"
        if self.copies_of_all:
            yield f"copies = [transform(data.image(n)) for _ in range({self.copies}) for n in rows]"
            yield "features = np.concatenate([data.features[rows], data.embed(copies)])"
            yield f"labels = np.tile(data.labels[rows], {1 + (self.copies or 0)})"
            return
        yield "real, made = rows[~data.synthetic[rows]], rows[data.synthetic[rows]]"
        yield f"copies = [transform(data.image(row)) for _ in range({self.copies}) for row in real]"
        yield "# a synthetic row has no image to transform: it is seen as it is, as often"
        yield f"made = np.tile(made, {self.copies})"
        yield "features = [data.features[rows], data.embed(copies), data.features[made]]"
        yield "features = np.concatenate(features)"
        yield f"labels = data.labels[np.concatenate([rows, np.tile(real, {self.copies}), made])]"

    @property
    def _arguments(self) -> str:
        return ", ".join(f"{name}={json.dumps(value)}" for name, value in self.named.items())

    @property
    def _itself(self) -> str:
        return f"data.recipe_of({self._arguments})" if self.named else "data.recipe"

    @property
    def _mixer(self) -> transforms.Step:
        kind, alpha = self.mix or ("mixup", 1.0)
        options = {"alpha": alpha, "num_classes": len(self.planned)}
        return transforms.Step({"mixup": "MixUp", "cutmix": "CutMix"}[kind], options)


def of(verdict: Mapping[str, Any], arm: str | None = None, classifier: str | None = None) -> Recipe:
    """Return a recipe of verdict.json.

    Args:
        verdict: its content.
        arm: whose; None is the one of `verdict["recipe"]`: what ships, or the best on validation.
        classifier: whose settings; None is the classifier that does best on validation with it.

    Raises:
        UserError: there is no recipe, or none of that arm or classifier.
    """
    recipes = verdict.get("recipes")
    if not recipes:
        raise UserError("verdict.json names no recipe: it is of an older version")
    ships = verdict.get("recipe", {}).get("arm")
    name = arm or ships
    found = choose(recipes, name, "arm")
    chosen = classifier or found["classifier"]
    settings = choose(found["classifiers"], chosen, "classifier")
    named = {"arm": name} if name != ships else {}
    if chosen != found["classifier"]:
        named["classifier"] = chosen
    return Recipe(
        name,
        tuple(found["methods"]),
        chosen,
        settings["share"],
        settings["again"],
        verdict["planned"],
        settings["class_weights"],
        ClassicParams(**settings["classic"]) if settings["classic"] else None,
        settings.get("copies"),  # verdicts of before there were copies lack it
        settings.get("copies_of_all", False),
        settings.get("of_images", False),
        tuple(settings["mix"]) if settings["mix"] else None,
        settings["weighted"],
        settings["soft"],
        found["score"],
        found["against_real"],
        found["classifiers"],
        named,
    )


def of_shipped(verdict: Mapping[str, Any], arm: str) -> Recipe:
    """Return an arm's recipe as that of what ships, which its code need not name."""
    return of({**verdict, "recipe": {"arm": arm}})


def flat(recipes: Mapping[str, Mapping[str, Any]], arm: str) -> dict[str, Any]:
    """Return the entry `recipe` of verdict.json: an arm's, with the settings of its classifier."""
    found = recipes[arm]
    settings = dict(found["classifiers"][found["classifier"]])
    for key in ("validation", "score"):  # of that classifier alone
        settings.pop(key, None)
    told = {key: found[key] for key in ("classifier", "score", "against_real")}
    return {"arm": arm, "rows": ["real", *found["methods"]], **settings, **told}


def best(recipes: Mapping[str, Mapping[str, Any]], arms: Iterable[str] | None = None) -> str:
    """Return the arm that does best on validation, of these or of all; the first of several."""
    names = recipes if arms is None else arms
    return max(names, key=lambda arm: recipes[arm]["validation"])
