"""The learning curve: what synthetic images add, against how many real ones there are."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from gan_augment import markdown, spreadsheet, table
from gan_augment.errors import UserError
from gan_augment.evaluation.statistics import points
from gan_augment.params import Params, Plan
from gan_augment.report import forest
from gan_augment.storage import delete_directory, replace_file, write_text
from gan_augment.study.replicate import Replicate, folder_for, one_at_a_time, run_all

WIDTH, HEIGHT = 640.0, 360.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 16.0, 60.0, 44.0
COMPARISONS = {"against_real": "real images alone", "against_alternative": "the best without a GAN"}
PARTS = ("mean", "low", "high", "p")
Found = Sequence[tuple[int, Mapping[str, Any]]]
"""(training images of each class, `overall` of verdict.json), from few images to many."""


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
    if larger := sorted({*sizes} - {*chosen}):
        listed = ", ".join(map(str, larger))
        print(f"curve: the largest class has {most} training images, so without {listed}")
    replicates = [Replicate(limited(params, classes, n), folder / str(n)) for n in chosen]
    run_all(replicates[::-1], "curve")  # the longest first
    found = [(size, one.verdict()["overall"]) for size, one in zip(chosen, replicates, strict=True)]
    with replace_file(outputs["curve"] / "curve.csv") as partial:
        lines = pd.DataFrame([_row(size, overall) for size, overall in found])
        spreadsheet.write(partial, lines, decimals=6)
    write_text(outputs["curve"] / "curve.svg", svg(found))
    text = page(found)
    write_text(outputs["curve"] / "curve.md", text)
    delete_directory(folder)
    print(text.partition("\n\n")[2], end="")


def limited(params: Params, classes: Sequence[str], size: int = 0) -> Params:
    """Return params with `size` training images of each class, and no class refused for that."""
    generate = params.generate.model_copy(
        update={"min_real": min(params.generate.min_real, size or params.generate.min_real)}
    )
    if params.generate.plan == Plan.model_validate("fill"):
        generate = generate.model_copy(update={"plan": Plan.model_validate("auto")})
    ingest = params.ingest.model_copy(update={"scarcity": dict.fromkeys(classes, size)})
    return params.model_copy(update={"ingest": ingest, "generate": generate})


def _row(size: int, overall: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line of curve.csv: scores and differences are shares, 0–1."""
    scores, best = overall["scores"], {key: overall[key] for key in ("alternative", "gan_arm")}
    return {
        "images": size,
        "verdict": overall["verdict"],
        **best,
        "real_score": scores["real"],
        **{f"{key}_score": scores[arm] for key, arm in best.items()},
        **{f"{key}_{part}": overall[key][part] for key in COMPARISONS for part in PARTS},
    }


def page(found: Found) -> str:
    """Return the curve as Markdown: its picture, and a line a size, differences in points."""
    head = ["images", "verdict", "difference", "to real", "real", "best without", "best with a GAN"]
    lines = [
        [
            size,
            overall["verdict"],
            points(overall["against_alternative"], unit=""),
            points(overall["against_real"], unit=""),
            f"{100 * overall['scores']['real']:.1f}",
            *(
                f"{arm} {100 * overall['scores'][arm]:.1f}"
                for arm in (overall["alternative"], overall["gan_arm"])
            ),
        ]
        for size, overall in found
    ]
    text = (
        "Balanced accuracy on the test images, %, with so many real training images of each class; "
        "the difference between the best arm with the GAN and the best without, and to real images "
        "alone, in points (95 % intervals)."
    )
    picture = "![What the GAN adds, against real training images of each class](curve.svg)"
    return f"{picture}\n\n{text}\n\n{markdown.table(head, lines)}\n"


def svg(found: Found) -> str:
    """Return the curve as a picture: points against images of each class (logarithmic)."""
    sizes = [size for size, _ in found]
    scale = forest.scale(overall[key] for _, overall in found for key in COMPARISONS)
    across = dict(zip(sizes, _spread(np.log(sizes), LEFT + 30, WIDTH - RIGHT - 30), strict=True))

    def down(at: float) -> float:
        return HEIGHT - BOTTOM - at / 100 * (HEIGHT - BOTTOM - TOP)

    series = [
        {
            "title": f"against {title}",
            "kind": kind,
            "points": [
                {
                    "x": across[size] + shift,
                    **{name: down(at) for name, at in scale.mark(overall[kind])._asdict().items()},
                }
                for size, overall in found
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
