"""Classifier: data/augmented becomes models/classifier, trained by the recipe that ships."""

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import numpy as np

from gan_augment import table
from gan_augment.classifier import judges, model
from gan_augment.classifier.training import Choice, choose, training_set
from gan_augment.ingest.stored import stored
from gan_augment.params import ClassifierParams
from gan_augment.storage import read_record


def run(
    params: ClassifierParams,
    inputs: Mapping[str, Path],
    outputs: Mapping[str, Path],
    weights: Path | None = None,
) -> None:
    """Train the judge that does best with the recipe, and that can be kept, and write it.

    It learns from the train split alone; what it reached on others is what the comparison measured.

    Args:
        params: the section `classifier`.
        inputs: `augmented`, the image table that ships, with its verdict.json.
        outputs: `classifier`, a folder of config.json and model.safetensors.
        weights: the file with the weights of the backbone, where they came from one.

    Raises:
        UserError: no table there, a verdict that is older than recipes, or a backbone that cannot
            be had where the recipe transforms images.
    """
    augmented = inputs["augmented"]
    verdict = read_record(augmented / "verdict.json", "overall", "provenance")
    choice = choose(params, verdict)
    made = training_set(augmented, choice.recipe, params.seed, weights)
    head, known = judges.fit(choice.judge, made, params.seed)
    names = table.class_names(augmented)
    provenance = {
        **verdict["provenance"],
        "augmented images": table.table_hash(augmented),
        "rows": {"real": made.real, "synthetic": len(made.labels) - made.real},
        "seed": params.seed,
        "made by": f"gan-augment {version('gan-augment')}",
    }
    notes = *choice.notes, *_unknown(names, known)
    config = model.Config(
        classes=tuple(names[label] for label in known),
        images=stored(augmented),
        backbone=table.space(augmented),
        widths=head.widths,
        projects=head.components is not None,
        judge=choice.judge,
        arm=choice.recipe.arm,
        measured=dict(choice.measured),
        notes=notes,
        provenance=provenance,
    )
    model.save(outputs["classifier"], config, head)
    for sentence in (_sentence(choice), *notes):
        print(f"classifier: {sentence}")


def _unknown(names: tuple[str, ...], known: tuple[int, ...]) -> tuple[str, ...]:
    missing = [names[label] for label in np.setdiff1d(range(len(names)), known).tolist()]
    return (f"without training images of {', '.join(missing)}, never says so",) if missing else ()


def _sentence(choice: Choice) -> str:
    told = f"{choice.judge}, trained as {choice.recipe.arm}"
    reached = ", ".join(f"{100 * v:.1f} % on {split}" for split, v in choice.measured.items())
    return f"{told}; balanced accuracy {reached}" if reached else told
