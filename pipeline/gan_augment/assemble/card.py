"""What travels with the table: its card in Hugging Face's form, and the verdict for machines."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from gan_augment.decision import Decision
from gan_augment.markdown import cautions, escape, table
from gan_augment.recipe import SETTINGS, flat, of_shipped
from gan_augment.table import SPLITS, FeatureSpace

MOST = 5
"""Recipes whose scores on validation are told."""

CLASSIFY = """```python
from PIL import Image
from gan_augment import load_classifier

load_classifier("models/classifier").predict([Image.open("photograph.jpg")])
```"""

Counts = Mapping[tuple[str, str, int], int]
"""(split, origin, label) → rows."""


def card(
    verdict: Mapping[str, Any],
    decision: Decision,
    counts: Counts,
    classes: Sequence[str],
    space: FeatureSpace | None = None,
    *,
    pictured: bool = True,
) -> str:
    """Return the card as Markdown with a YAML header that `datasets` reads.

    Args:
        verdict: content of verdict.json.
        decision: whose synthetic images are in the table, or why none are.
        counts: rows by split, origin and label.
        classes: class names in index order.
        space: whose features the rows have; None for images alone.
        pictured: whether synthetic rows have an image.
    """
    overall = verdict["overall"]
    lines = [
        _header(decision, counts),
        "# Augmented images",
        f"**Verdict: {escape(overall['verdict'])}.** {escape(overall['sentence'])}",
        *cautions(overall.get("cautions", ())),
        f"**In the train split:** {escape(decision.sentence)} `origin` tells rows apart; "
        "validation and test hold real images only.",
        *_recipe(verdict, decision),
        "## Counts",
        _counted(counts, classes),
        *_features(space, pictured),
        "## Classifier",
        "A classifier that was trained on the train split, by this recipe, ships beside the table: "
        "in the project as `models/classifier`, in a repository of versions by address and tag.",
        CLASSIFY,
        "## Provenance",
        "\n".join(f"- {escape(name)}: `{value}`" for name, value in verdict["provenance"].items()),
        "Each synthetic row names its `method`, `generator` (hash of config and weights), `seed`, "
        "`index` and `requested_label`. Made by gan-augment.",
    ]
    return "\n\n".join(lines) + "\n"


def _header(decision: Decision, counts: Counts) -> str:
    header = {
        "task_categories": ["image-classification"],
        "tags": ["gan-augment", *(["synthetic"] if decision.sources else [])],
        "configs": [
            {
                "config_name": "default",
                "data_files": [
                    {"split": split, "path": f"{split}-*.parquet"}
                    for split in SPLITS
                    if any(key[0] == split for key in counts)
                ],
            }
        ],
    }
    return f"---\n{yaml.safe_dump(header, sort_keys=False)}---"


def _counted(counts: Counts, classes: Sequence[str]) -> str:
    """Return a table of rows: a line a class, a column a split and origin that there is."""
    columns = [(split, origin) for split in SPLITS for origin in ("real", "synthetic")]
    columns = [c for c in columns if any(key[:2] == c for key in counts)]
    return table(
        ["class", *(f"{split}, {origin}" for split, origin in columns)],
        [
            [name, *(counts.get((*column, label), 0) for column in columns)]
            for label, name in enumerate(classes)
        ],
    )


def _recipe(verdict: Mapping[str, Any], decision: Decision) -> list[str]:
    """Return how to follow what ships; nothing if the verdict is older than recipes."""
    if not verdict.get("recipes"):
        return []
    recipe = of_shipped(verdict, decision.arm)
    return [
        "## Recipe",
        f"{escape(recipe.sentence)} It was chosen on validation{preference(verdict)}.",
        f"```python\n{recipe.code()}```",
        f"The code has the settings of {escape(recipe.classifier)}, which does best on validation "
        "with it. Those that validation chose for each classifier, and what came of them on the "
        "test images:",
        table(SETTINGS, recipe.settings),
    ]


def _features(space: FeatureSpace | None, pictured: bool) -> list[str]:
    if space is None:
        return []
    kind = "images with their features" if pictured else "features alone, without an image"
    return [
        "## Features",
        f"`features` is what {escape(space.backbone)} (weights `{space.hash}`) sees in the whole "
        f"image, resized to {space.size[1]}×{space.size[0]} pixels: {space.width} numbers. "
        f"Synthetic rows are {kind}. Of a new photograph:",
        """```python
from PIL import Image
from gan_augment import load

data = load("data/augmented")
features = data.embed([Image.open("photograph.jpg")])
```""",
    ]


def evidence(
    verdict: Mapping[str, Any],
    decision: Decision,
    counts: Counts,
    classes: Sequence[str],
) -> dict[str, Any]:
    """Return the verdict with what ships: verdict.json beside the table; args as for `card`.

    Returns:
        All of `verdict`; `recipe`: that of what ships, where the verdict has recipes; `ships`: what
        does in a `sentence`, the `method` of the synthetic rows, None without any, and `refusals`,
        what spoke against them; `counts`: split → origin → class → rows.
    """
    rows: dict[str, dict[str, dict[str, int]]] = {}
    for (split, origin, label), count in sorted(counts.items()):
        rows.setdefault(split, {}).setdefault(origin, {})[classes[label]] = count
    ships = {
        "sentence": decision.sentence,
        "method": decision.method,
        "refusals": decision.refusals,
    }
    recipes = verdict.get("recipes")
    recipe = {"recipe": flat(recipes, decision.arm)} if recipes else {}
    return {**verdict, **recipe, "ships": ships, "counts": rows}


def preference(verdict: Mapping[str, Any]) -> str:
    """Return what the best recipes reached on validation, in brackets."""
    recipes = verdict["recipes"]
    ranked = sorted(recipes, key=lambda arm: -recipes[arm]["validation"])[:MOST]
    told = ", ".join(f"{escape(arm)} {100 * recipes[arm]['validation']:.1f}" for arm in ranked)
    return f" (balanced accuracy on validation, %: {told})"
