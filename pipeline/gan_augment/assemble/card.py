"""What travels with the table: its card in Hugging Face's form, and the verdict for machines."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from gan_augment.decision import Decision
from gan_augment.markdown import escape, table
from gan_augment.table import SPLITS

Counts = Mapping[tuple[str, str, int], int]
"""(split, origin, label) → rows."""


def card(
    verdict: Mapping[str, Any],
    decision: Decision,
    counts: Counts,
    classes: Sequence[str],
) -> str:
    """Return the card as Markdown with a YAML header that `datasets` reads.

    Args:
        verdict: content of verdict.json.
        decision: whose synthetic images are in the table, or why none are.
        counts: rows by split, origin and label.
        classes: class names in index order.
    """
    shipped = not decision.refusals
    header = {
        "task_categories": ["image-classification"],
        "tags": ["gan-augment", *(["synthetic"] if shipped else [])],
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
    overall = verdict["overall"]
    included = (
        f"The train split holds real images and synthetic ones by {escape(str(decision.method))}"
        f"{preference(verdict)}; `origin` tells them apart."
        if shipped
        else "The train split holds real images only, without synthetic ones: "
        + escape("; ".join(decision.refusals))
        + "."
    )
    columns = [(split, origin) for split in SPLITS for origin in ("real", "synthetic")]
    columns = [c for c in columns if any(key[:2] == c for key in counts)]
    lines = [
        f"---\n{yaml.safe_dump(header, sort_keys=False)}---",
        "# Augmented images",
        f"**Verdict: {escape(overall['verdict'])}.** {escape(overall['sentence'])}",
        *(f"**Caution.** {escape(caution)}" for caution in overall.get("cautions", ())),
        f"{included} Validation and test hold real images only.",
        "## Counts",
        table(
            ["class", *(f"{split}, {origin}" for split, origin in columns)],
            [
                [name, *(counts.get((*column, label), 0) for column in columns)]
                for label, name in enumerate(classes)
            ],
        ),
        "## Provenance",
        "\n".join(f"- {escape(name)}: `{value}`" for name, value in verdict["provenance"].items()),
        "Each synthetic row names its `method`, `generator` (hash of config and weights), `seed`, "
        "`index` and `requested_label`. Made by gan-augment.",
    ]
    return "\n\n".join(lines) + "\n"


def evidence(
    verdict: Mapping[str, Any],
    decision: Decision,
    counts: Counts,
    classes: Sequence[str],
) -> dict[str, Any]:
    """Return the verdict with what ships: verdict.json beside the table; args as for `card`.

    Returns:
        All of `verdict`; `ships`: the `method` of the synthetic rows, and `refusals`, what spoke
        against them if there are none; `counts`: split → origin → class → rows.
    """
    rows: dict[str, dict[str, dict[str, int]]] = {}
    for (split, origin, label), count in sorted(counts.items()):
        rows.setdefault(split, {}).setdefault(origin, {})[classes[label]] = count
    ships = {"method": decision.method, "refusals": decision.refusals}
    return {**verdict, "ships": ships, "counts": rows}


def preference(verdict: Mapping[str, Any]) -> str:
    """Return what each generative method reached on validation, in brackets; "" if not measured."""
    scores: Mapping[str, float] = verdict["methods"]["validation"]
    ranked = sorted(scores.items(), key=lambda item: -item[1])
    told = ", ".join(f"{name} {100 * score:.1f}" for name, score in ranked)
    return f" (balanced accuracy on validation, %: {told})" if told else ""
