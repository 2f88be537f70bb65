"""Generate: models/generator becomes data/synthetic."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline import table
from pipeline.errors import UserError
from pipeline.gan import model
from pipeline.gan.sampling import sample
from pipeline.params import GenerateParams
from pipeline.progress import progress
from pipeline.synthesis.plan import wanted

CHUNK = 1024


def run(params: GenerateParams, inputs: Mapping[str, Path], outputs: Mapping[str, Path]) -> None:
    """Write as many synthetic images of each class as the plan wants.

    Args:
        params: the section `generate`.
        inputs: `real`, an image table; `model`, a trained generator.
        outputs: `synthetic`, an image table whose rows name generator, seed and index.

    Raises:
        UserError: the generator was trained on other classes, or without classes.
    """
    trained = model.load(inputs["model"])
    real = table.read(inputs["real"], "train")
    if trained.classes != real.classes:
        raise UserError(
            f"{inputs['model']} was trained on the classes {', '.join(trained.classes)}, but "
            f"{inputs['real']} has {', '.join(real.classes)}: run `dvc repro train`"
        )
    if not trained.conditional:
        raise UserError(
            f"{inputs['model']} heeds no classes, so its images would have no labels: set "
            "train.conditional to true"
        )
    counts = wanted(params.plan, real.counts())
    plan = ", ".join(f"{name} {n}" for name, n in zip(real.classes, counts, strict=True))
    print(f"generate: {counts.sum()} images: {plan}")
    table.write(outputs["synthetic"], _generate(trained, counts, params.seed), trained.classes)


def _generate(trained: model.Model, counts: NDArray[np.int64], seed: int) -> Iterator[pa.Table]:
    with progress("generate", int(counts.sum()), "images") as advance:
        done = 0
        for label, count in enumerate(counts.tolist()):
            for start in range(0, count, CHUNK):
                indices = range(start, min(start + CHUNK, count))
                pixels = sample(trained.generator, trained.shape.latent_dim, label, indices, seed)
                yield table.encode(
                    pixels,
                    np.full(len(pixels), label, np.int64),
                    trained.classes,
                    split="train",
                    origin="synthetic",
                    generator=trained.hash,
                    seed=seed,
                    index=list(indices),
                    requested_label=label,
                )
                done += len(pixels)
                advance(done)
