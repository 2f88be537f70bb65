"""Assemble: data/augmented, the table that users pull, with synthetic images only if they help."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline import table
from pipeline.assemble.card import card
from pipeline.errors import UserError
from pipeline.params import AssembleParams
from pipeline.storage import read_json

SUFFICES: dict[str, tuple[str, ...]] = {
    "helps": ("helps",),
    "level": ("helps", "level"),
    "none": ("helps", "level", "no evidence", "harms"),
}
"""What `assemble.require` accepts as a verdict."""


def run(params: AssembleParams, inputs: Mapping[str, Path], outputs: Mapping[str, Path]) -> None:
    """Put real and, if the verdict allows, synthetic rows together; add a dataset card.

    Args:
        params: the section `assemble`.
        inputs: `real` and `synthetic`, image tables; `verdict` and `memorisation`, JSON.
        outputs: `augmented`, an image table with a README.md.

    Raises:
        UserError: the verdict is about other data.
    """
    verdict = read_json(inputs["verdict"])
    _same_data(verdict, inputs)
    word = verdict["overall"]["verdict"]
    refusals = [
        *([] if word in SUFFICES[params.require] else [f"the verdict is {word!r}"]),
        *copied(read_json(inputs["memorisation"])),
    ]
    shipped = not refusals
    classes = table.class_names(inputs["real"])

    def chunks() -> Iterator[pa.Table]:
        yield from table.scan(inputs["real"])
        if shipped:
            yield from table.scan(inputs["synthetic"])

    with table.Writer(outputs["augmented"], classes) as writer:
        for rows in chunks():
            writer.append(rows)
        text = card(verdict, refusals, params.require, writer.counts(), classes)
        writer.attach("README.md", text)
    if shipped:
        print(f"assemble: with the synthetic images (verdict: {word})")
    else:
        print(f"assemble: without the synthetic images: {'; '.join(refusals)}")


def copied(memorisation: Mapping[str, Any]) -> list[str]:
    """Return why the generator's images must not ship whatever the verdict; nothing if they may."""
    if memorisation["passed"] is False:
        return [f"the generator copies: {reason}" for reason in memorisation["reasons"]]
    return []


def _same_data(verdict: dict[str, Any], inputs: Mapping[str, Path]) -> None:
    judged = verdict["provenance"]
    for name, key in (("real images", "real"), ("synthetic images", "synthetic")):
        if judged[name] != table.table_hash(inputs[key]):
            raise UserError(
                f"{inputs['verdict']} judged other images than {inputs[key]}: "
                "run `dvc repro evaluate`"
            )
