"""The JSON schema of params.yaml, by which editors complete and check it while it is typed.

`gan-augment init` writes it, and `gan-augment lock` after an upgrade. It comes from the models,
with the names that registries hold; what the models check across keys (shares add up to 1) it does
not know.
"""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from gan_augment.params import Params
from gan_augment.storage import write_text

FILE = Path("params.schema.json")
DIALECT = "https://json-schema.org/draft/2020-12/schema"
OWN_CLASS = {"type": "string", "pattern": r"^[\w.]+:\w+$"}
"""A class of the user's own, `package.module:Class`."""


def schema() -> dict[str, Any]:
    """Return the schema as JSON can hold it."""
    made = Params.model_json_schema()
    for section, names in _names().items():
        properties = made["$defs"][section]["properties"]
        for key, allowed in names.items():
            properties[key] = _one_of(properties[key], allowed)
    for model in (made, *made["$defs"].values()):
        for declared in model.get("properties", {}).values():
            if "$ref" in declared:  # a section's default is the defaults of its keys
                declared.pop("default", None)
    return {"$schema": DIALECT, **made, "title": "params.yaml of gan-augment"}


def write(root: Path) -> None:
    """Write the schema beside params.yaml in `root`."""
    write_text(root / FILE, text())


def text() -> str:
    """Return the schema as the text of a file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _names() -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Return what the values of keys may be that stand for code, by model and key."""
    from gan_augment.evaluation.arms import ARMS
    from gan_augment.evaluation.classic import POLICIES
    from gan_augment.evaluation.classifiers import CLASSIFIERS
    from gan_augment.gan.augment import AUGMENTATIONS
    from gan_augment.gan.losses import LOSSES
    from gan_augment.gan.networks import NETWORKS
    from gan_augment.gan.penalties import PENALTIES
    from gan_augment.ingest.sources import SOURCES
    from gan_augment.synthesis.baselines import BASELINES
    from gan_augment.synthesis.gates import GATES

    return {
        "IngestParams": {"source": _enum(SOURCES)},
        "TrainParams": {
            "network": _enum(["auto", *NETWORKS]),
            "loss": _enum(LOSSES),
            "penalty": _enum(PENALTIES),
            "augment": _enum(AUGMENTATIONS),
        },
        "GenerateParams": {
            "method": _enum(["gan", *BASELINES]),
            "fallback": _enum(BASELINES),
            "gates": _enum(GATES),
        },
        "EvaluateParams": {"arms": _enum(ARMS), "classifiers": [*_enum(CLASSIFIERS), OWN_CLASS]},
        "ClassicParams": {"policy": _enum(POLICIES)},
    }


def _enum(names: Collection[str]) -> list[dict[str, Any]]:
    return [{"enum": list(names)}]


def _one_of(node: Any, allowed: list[dict[str, Any]]) -> Any:
    """Return a part of a schema in which every string is one of those that are allowed."""
    if isinstance(node, list):
        return [_one_of(part, allowed) for part in node]
    if not isinstance(node, dict):
        return node
    if node.get("type") == "string":
        rest = {key: value for key, value in node.items() if key != "type"}
        return {**rest, **(allowed[0] if len(allowed) == 1 else {"anyOf": allowed})}
    return {key: _one_of(part, allowed) for key, part in node.items()}


if __name__ == "__main__":
    write(Path())
