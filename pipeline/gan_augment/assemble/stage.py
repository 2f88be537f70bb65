"""Assemble: data/augmented, the table that users pull, with synthetic images only if they help."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gan_augment import table
from gan_augment.assemble.card import card, evidence
from gan_augment.decision import GAN, decide, same_data
from gan_augment.params import AssembleParams, Space
from gan_augment.storage import as_json, read_record
from gan_augment.subsample import subsample
from gan_augment.synthesis import baselines


def run(
    params: AssembleParams,
    inputs: Mapping[str, Path],
    outputs: Mapping[str, Path],
    weights: Path | None = None,
    space: Space = "auto",
) -> None:
    """Put together the rows of the recipe that ships, and a card that tells the rest of it.

    Args:
        params: the section `assemble`.
        inputs: `real` and `synthetic`, image tables; `features`, what a backbone sees in the real
            images, if any did; `verdict` and `memorisation`, JSON.
        outputs: `augmented`, an image table with a README.md and a verdict.json.
        weights: the file with the weights of the backbone, where they came from one.
        space: `generate.space`: synthetic rows are features, or images.

    Raises:
        UserError: the verdict is about other data, or the backbone cannot be had that has to look
            at synthetic images.
    """
    verdict = read_record(inputs["verdict"], "overall", "provenance")
    same_data(verdict, inputs["real"], inputs["synthetic"])
    decision = decide(params, verdict, read_record(inputs["memorisation"], "passed", "reasons"))
    classes, embedded = table.class_names(inputs["real"]), table.embedded(inputs)
    seen_by = table.space(embedded) if embedded else None
    samples = table.samples(inputs, space)
    bits, fit = table.bits(inputs["real"]), table.fit(inputs["real"])
    with table.Writer(outputs["augmented"], classes, space=seen_by, bits=bits, fit=fit) as writer:
        for rows in _real(inputs["real"], embedded):
            writer.append(rows)
        if decision.sources:
            wanted = table.counts(inputs["synthetic"])
            for method, counts in zip(
                decision.sources, _shared_out(wanted, len(decision.sources)), strict=True
            ):
                made = _synthetic(method, counts, params, inputs["synthetic"], samples)
                if seen_by and samples != embedded:
                    from gan_augment.embed.rows import with_features

                    made = with_features(made, seen_by, weights)
                for rows in made:
                    writer.append(rows)
        about = (verdict, decision, writer.counts(), classes)
        writer.attach("README.md", card(*about, seen_by, pictured=samples == inputs["real"]))
        writer.attach("verdict.json", as_json(evidence(*about)))
    print(f"assemble: {decision.sentence}")


def _real(real: Path, embedded: Path | None) -> Iterator[pa.Table]:
    """Yield the real images, with their features if a backbone looked at them."""
    if embedded is None:
        yield from table.scan(real)
        return
    for images, seen in zip(table.scan(real), table.scan(embedded), strict=True):
        yield images.append_column(seen.schema.field(table.FEATURES), seen[table.FEATURES])


def _shared_out(counts: NDArray[np.int64], methods: int) -> list[NDArray[np.int64]]:
    """Return how many images of each class each method gives, so that all give `counts`."""
    return [(counts + number) // methods for number in range(methods)][::-1]


def _synthetic(
    method: str,
    counts: NDArray[np.int64],
    params: AssembleParams,
    synthetic: Path,
    samples: Path,
) -> Iterator[pa.Table]:
    """Yield so many images of each class: some of data/synthetic, or by a simpler method."""
    if method == GAN:
        yield from _some(synthetic, counts, params.seed)
    else:
        yield from baselines.rows(method, table.read(samples, "train"), counts, params.seed)


def _some(path: Path, counts: NDArray[np.int64], seed: int) -> Iterator[pa.Table]:
    """Yield a fair sample of a table's rows: where a fallback was used, of those by either."""
    labels = table.labels(path)
    kept = np.zeros(len(labels), bool)
    kept[subsample(labels, counts, seed)] = True
    start = 0
    for rows in table.scan(path):
        yield rows.filter(pa.array(kept[start : start + len(rows)]))
        start += len(rows)
