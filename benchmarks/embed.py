"""How fast is the stage `embed`, beside the bare network?

    python -m benchmarks.embed --runs 3              # all of TrashNet
    python -m benchmarks.embed --images 20 --runs 1  # of each class: does everything run?

Bare is a loop of torch that runs the same backbone with as many threads as there are cores, on
images that are decoded, resized and normalised already: in batches of 64, as one would, and in
those of `embed`, whichever is faster. Embedding is
the whole stage: it also reads, decodes, resizes, keeps what is finished, and writes the table. Both
run in turn, round by round, and are compared within a round; in the first, which does not count,
workers start and load the weights. Prints Markdown.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks import script
from benchmarks.datasets import FOLDER
from benchmarks.goals import Goal, goals
from benchmarks.tables import judged
from gan_augment import table
from gan_augment.embed import backbones, stage
from gan_augment.embed.backbones import AT_ONCE, IN_CACHE, Backbone
from gan_augment.embed.choice import DEFAULT
from gan_augment.ingest import stage as ingest
from gan_augment.params import EmbedParams, IngestParams

CORES = len(os.sched_getaffinity(0))
GOALS = (
    Goal("speed of embed, to the bare network's", lambda r: r["embed"]["share"], 0.9, "{:.2f}×"),
)


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    with tempfile.TemporaryDirectory() as folder:
        rounds = _rounds(options, Path(folder))
    shares = sorted(bare / ours for bare, ours, _ in rounds)
    count = rounds[0][2]
    rows = {"the bare network": 0, "embed": 1}
    print(f"\n{count:,} images through {options.backbone}, {CORES} cores, {len(rounds)} rounds\n")
    print("| | images/s, median |\n|---|---:|")
    for name, column in rows.items():
        print(f"| {name} | {count / median(each[column] for each in rounds):,.1f} |")
    print(f"\nWithin a round {shares[0]:.2f} to {shares[-1]:.2f} of its speed.\n")
    print(judged(goals({"embed": {"share": median(shares)}}, GOALS)))


def _rounds(options: argparse.Namespace, folder: Path) -> list[tuple[float, float, int]]:
    """Return the seconds of the bare network and of the stage, and the images, of each round."""
    photographs = options.data or Path(os.environ.get(FOLDER, "")) / "trashnet-150"
    settings = IngestParams(source="folder", path=photographs, limit=options.images)
    real = folder / "real"
    ingest.run(settings, {}, {"real": real})
    params = EmbedParams(backbone=options.backbone, weights=options.weights)
    backbone = backbones.load(params, options.backbone)
    rows = table.Rows(table.shards(real))
    pixels = (table.from_png(rows.png(row)) for row in range(min(AT_ONCE, len(rows))))
    batch = backbone.prepare([table.picture(image) for image in pixels])
    outputs = {"features": folder / "features", "scratch": folder / "scratch"}
    found: list[tuple[float, float, int]] = []
    for _ in range(1 + options.runs):
        bare = min(_bare(backbone, batch[:size], len(rows)) for size in (AT_ONCE, IN_CACHE))
        began = time.perf_counter()
        stage.run(params, {"real": real}, outputs)
        found.append((bare, time.perf_counter() - began, len(rows)))
    return found[1:]


@torch.inference_mode()
def _bare(backbone: Backbone, batch: torch.Tensor, images: int) -> float:
    """Return the seconds for so many images; the same ones come again and again."""
    torch.set_num_threads(CORES)
    began = time.perf_counter()
    for start in range(0, images, len(batch)):
        backbone.network(batch[: images - start]).numpy()
    return time.perf_counter() - began


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser: Any = argparse.ArgumentParser(prog="python -m benchmarks.embed")
    parser.add_argument("--data", type=Path, help="folder of photographs, one directory a class")
    parser.add_argument("--images", type=int, help="of each class at most")
    parser.add_argument("--backbone", default=DEFAULT)
    parser.add_argument("--weights", type=Path, help="its weights, if it does not bring them")
    parser.add_argument("--runs", type=int, default=3, help="rounds that count")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    script.run(main)
