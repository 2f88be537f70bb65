"""The learning curve: what synthetic images add, against how many real ones there are."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from gan_augment import markdown, table
from gan_augment.errors import UserError
from gan_augment.evaluation.statistics import points
from gan_augment.params import Params, Plan
from gan_augment.report import forest
from gan_augment.storage import replace_file, write_text
from gan_augment.study.replicate import Replicate, folder_for, one_at_a_time, run_all

WIDTH, HEIGHT = 640.0, 360.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 16.0, 60.0, 44.0
COMPARISONS = {"against_real": "real images alone", "against_alternative": "the best without a GAN"}


def run(params: Params, sizes: Sequence[int], outputs: Mapping[str, Path]) -> None:
    """Run the pipeline with ever more real training images, and write down what the GAN adds.

    Validation and test images stay what they are. `generate.plan: fill` has nothing to fill where
    all classes are of one size, so it becomes `auto`. Sizes run side by side, one a core. Killed
    and started again, it goes on where it was.

    Args:
        params: all sections; `ingest.scarcity` is replaced.
        sizes: training images of each class; a class that has fewer gives what it has.
        outputs: `curve`, a folder of curve.csv, curve.md and curve.svg; `scratch`, where runs are
            until all are done.

    Raises:
        UserError: no class has so many images, another curve at work in `scratch`, or a stage's
            own; names the size.
    """
    if not sizes or min(sizes) < 1:
        raise UserError("sizes: at least one number of images, 1 or more")
    with one_at_a_time(outputs["scratch"]):
        _run(params, sizes, outputs)


def _run(params: Params, sizes: Sequence[int], outputs: Mapping[str, Path]) -> None:
    folder = folder_for(outputs["scratch"], params)
    whole = Replicate(limited(params, ()), folder / "whole")
    whole.ingest()
    classes = table.class_names(whole.real)
    most = int(table.counts(whole.real, "train").max())
    chosen = [size for size in sorted(set(sizes)) if size <= most]
    if not chosen:
        raise UserError(f"the largest class has {most} training images: name smaller sizes")
    replicates = [Replicate(limited(params, classes, n), folder / str(n)) for n in chosen]
    run_all(replicates[::-1], "curve")  # the longest first
    found = [(size, one.verdict()["overall"]) for size, one in zip(chosen, replicates, strict=True)]
    curve = pd.DataFrame([row for size, overall in found for row in _rows(size, overall)])
    with replace_file(outputs["curve"] / "curve.csv") as partial:
        curve.to_csv(partial, index=False, lineterminator="\n", float_format="%.6f")
    write_text(outputs["curve"] / "curve.svg", svg(curve))
    text = page(curve)
    write_text(outputs["curve"] / "curve.md", text)
    shutil.rmtree(folder)
    print(text, end="")


def limited(params: Params, classes: Sequence[str], size: int = 0) -> Params:
    """Return params with `size` training images of each class, and no class refused for that."""
    generate = params.generate.model_copy(
        update={"min_real": min(params.generate.min_real, size or params.generate.min_real)}
    )
    if params.generate.plan == Plan.model_validate("fill"):
        generate = generate.model_copy(update={"plan": Plan.model_validate("auto")})
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


def page(curve: pd.DataFrame) -> str:
    """Return the curve as Markdown: a line a size, differences in points."""
    rows: list[dict[str, Any]] = curve.to_dict("records")  # type: ignore[assignment]
    found = {(row["images"], row["comparison"]): row for row in rows}
    head = [
        "images",
        "real",
        "best without",
        "best with a GAN",
        "difference",
        "to real",
        "verdict",
    ]
    lines = []
    for size in sorted({row["images"] for row in rows}):
        alternative, real = found[size, "against_alternative"], found[size, "against_real"]
        line = [
            size,
            f"{100 * real['real_score']:.1f}",
            f"{real['alternative']} {100 * real['alternative_score']:.1f}",
            f"{real['gan_arm']} {100 * real['gan_score']:.1f}",
            points(alternative, unit=""),
            points(real, unit=""),
            real["verdict"],
        ]
        lines.append(line)
    text = (
        "Balanced accuracy on the test images, %, with so many real training images of each class; "
        "the difference between the best arm with the GAN and the best without, and to real images "
        "alone, in points (95 % intervals)."
    )
    return f"{text}\n\n{markdown.table(head, lines)}\n"


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
        ticks=[(f"{tick:+g}" if tick else "0", down(at)) for tick, at in scale.ticks],
        sizes=list(across.items()),
        series=series,
    )


def _spread(values: np.ndarray, start: float, end: float) -> list[float]:
    """Return the values stretched over a length; a single one is in its middle."""
    if np.ptp(values) == 0:
        return [(start + end) / 2] * len(values)
    return [float(v) for v in start + (values - values[0]) / np.ptp(values) * (end - start)]
