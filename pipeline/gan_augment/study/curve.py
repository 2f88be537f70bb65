"""The learning curve: what synthetic images add, against how many real ones there are."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from gan_augment import table
from gan_augment.errors import UserError
from gan_augment.params import Params, Plan
from gan_augment.report import forest
from gan_augment.storage import replace_file, write_text
from gan_augment.study.replicate import Replicate, folder_for

WIDTH, HEIGHT = 640.0, 360.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 16.0, 60.0, 44.0
COMPARISONS = {"against_real": "real images alone", "against_alternative": "the best without a GAN"}


def run(params: Params, sizes: Sequence[int], outputs: Mapping[str, Path]) -> None:
    """Run the pipeline with ever more real training images, and write down what the GAN adds.

    Validation and test images stay what they are. `generate.plan: fill` has nothing to fill where
    all classes are of one size, so it becomes as many synthetic images as real ones.

    Args:
        params: all sections; `ingest.scarcity` is replaced.
        sizes: training images of each class; a class that has fewer gives what it has.
        outputs: `curve`, a folder of curve.csv and curve.svg; `scratch`, where runs are until all
            are done.

    Raises:
        UserError: no class has so many images, or a stage's own; names the size.
    """
    if not sizes or min(sizes) < 1:
        raise UserError("sizes: at least one number of images, 1 or more")
    folder = folder_for(outputs["scratch"], params)
    whole = Replicate(limited(params, ()), folder / "whole")
    whole.ingest()
    classes = table.class_names(whole.real)
    most = int(table.counts(whole.real, "train").max())
    chosen = [size for size in sorted(set(sizes)) if size <= most]
    if not chosen:
        raise UserError(f"the largest class has {most} training images: name smaller sizes")
    rows: list[dict[str, Any]] = []
    for size in chosen:
        print(f"curve: {size} images of each class", flush=True)
        one = Replicate(limited(params, classes, size), folder / str(size))
        one.run()
        rows += _rows(size, one.verdict()["overall"])
    curve = pd.DataFrame(rows)
    with replace_file(outputs["curve"] / "curve.csv") as partial:
        curve.to_csv(partial, index=False, lineterminator="\n", float_format="%.6f")
    write_text(outputs["curve"] / "curve.svg", svg(curve))
    shutil.rmtree(folder)
    print(curve.to_string(index=False, float_format="%.3f"))


def limited(params: Params, classes: Sequence[str], size: int = 0) -> Params:
    """Return params with `size` training images of each class, and no class refused for that."""
    generate = params.generate.model_copy(
        update={"min_real": min(params.generate.min_real, size or params.generate.min_real)}
    )
    if params.generate.plan.kind == "fill":
        generate = generate.model_copy(update={"plan": Plan.model_validate({"ratio": 1.0})})
    ingest = params.ingest.model_copy(update={"scarcity": dict.fromkeys(classes, size)})
    return params.model_copy(update={"ingest": ingest, "generate": generate})


def _rows(size: int, overall: Mapping[str, Any]) -> list[dict[str, Any]]:
    scores = overall["scores"]
    return [
        {
            "images": size,
            "comparison": key,
            **overall[key],
            "verdict": overall["verdict"],
            "gan_arm": overall["gan_arm"],
            "alternative": overall["alternative"],
            "real_score": scores["real"],
            "alternative_score": scores[overall["alternative"]],
            "gan_score": scores[overall["gan_arm"]],
        }
        for key in COMPARISONS
    ]


def svg(curve: pd.DataFrame) -> str:
    """Return the curve as a picture: points against images of each class (logarithmic)."""
    rows: list[dict[str, Any]] = curve.to_dict("records")  # type: ignore[assignment]
    sizes = sorted({int(row["images"]) for row in rows})
    scale = forest.scale(rows)
    across = dict(zip(sizes, _spread(np.log(sizes), LEFT + 30, WIDTH - RIGHT - 30), strict=True))

    def down(at: float) -> float:
        return HEIGHT - BOTTOM - at / 100 * (HEIGHT - BOTTOM - TOP)

    series = [
        {
            "title": f"against {title}",
            "kind": kind,
            "points": [
                {
                    "x": across[row["images"]] + shift,
                    **{name: down(at) for name, at in scale.mark(row)._asdict().items()},
                }
                for row in rows
                if row["comparison"] == kind
            ],
        }
        for shift, (kind, title) in zip((-4, 4), COMPARISONS.items(), strict=True)
    ]
    environment = Environment(
        loader=PackageLoader("gan_augment", "study"), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("curve.svg.j2").render(
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=WIDTH - RIGHT,
        bottom=HEIGHT - BOTTOM,
        zero=down(scale.at(0.0)),
        ticks=[(f"{points:+g}" if points else "0", down(at)) for points, at in scale.ticks],
        sizes=list(across.items()),
        series=series,
    )


def _spread(values: np.ndarray, start: float, end: float) -> list[float]:
    """Return the values stretched over a length; a single one is in its middle."""
    if np.ptp(values) == 0:
        return [(start + end) / 2] * len(values)
    return [float(v) for v in start + (values - values[0]) / np.ptp(values) * (end - start)]
