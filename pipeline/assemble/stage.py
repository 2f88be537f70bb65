"""Assemble: data/augmented, the table that users pull, with synthetic images only if they help."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline import table
from pipeline.assemble.card import card, preference
from pipeline.decision import GAN, decide
from pipeline.errors import UserError
from pipeline.params import AssembleParams
from pipeline.storage import read_json
from pipeline.synthesis import baselines


def run(params: AssembleParams, inputs: Mapping[str, Path], outputs: Mapping[str, Path]) -> None:
    """Put real rows and, if the verdict allows, synthetic ones together; add a dataset card.

    Args:
        params: the section `assemble`.
        inputs: `real` and `synthetic`, image tables; `verdict` and `memorisation`, JSON.
        outputs: `augmented`, an image table with a README.md.

    Raises:
        UserError: the verdict is about other data.
    """
    verdict = read_json(inputs["verdict"])
    _same_data(verdict, inputs)
    decision = decide(params, verdict, read_json(inputs["memorisation"]))
    classes = table.class_names(inputs["real"])
    with table.Writer(outputs["augmented"], classes) as writer:
        for rows in table.scan(inputs["real"]):
            writer.append(rows)
        if not decision.refusals:
            for method in decision.sources:
                for rows in _synthetic(method, params, inputs):
                    writer.append(rows)
        text = card(verdict, decision, writer.counts(), classes)
        writer.attach("README.md", text)
    if decision.refusals:
        print(f"assemble: without synthetic images: {'; '.join(decision.refusals)}")
    else:
        print(f"assemble: with synthetic images by {decision.method}{preference(verdict)}")


def _synthetic(
    method: str, params: AssembleParams, inputs: Mapping[str, Path]
) -> Iterator[pa.Table]:
    """Yield data/synthetic, or as many images of each class by a simpler method."""
    if method == GAN:
        yield from table.scan(inputs["synthetic"])
        return
    real = table.read(inputs["real"], "train")
    counts = table.counts(inputs["synthetic"])
    for label in np.flatnonzero(counts).tolist():
        yield baselines.rows(method, real, label, int(counts[label]), params.seed)


def _same_data(verdict: dict[str, Any], inputs: Mapping[str, Path]) -> None:
    judged = verdict["provenance"]
    for name, key in (("real images", "real"), ("synthetic images", "synthetic")):
        if judged[name] != table.table_hash(inputs[key]):
            raise UserError(
                f"{inputs['verdict']} judged other images than {inputs[key]}: "
                "run `dvc repro evaluate`"
            )
