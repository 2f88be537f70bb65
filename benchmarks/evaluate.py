"""How long does an evaluation take, beside a plain loop over the same cells?

    python -m benchmarks.evaluate                 # digits; one repeat of the loop, × repeats
    python -m benchmarks.evaluate --whole         # the loop in full
    python -m benchmarks.evaluate --transforms    # of whole batches, and image by image
    python -m benchmarks.evaluate --batched       # ten networks one by one, and as one model

The plain loop is what a notebook would do: for each repeat, arm and classifier it makes the
training set, and its principal components, anew, transforms image by image with torchvision, and
trains, on as many threads as torch and the linear algebra like. Prints Markdown.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.transforms import InterpolationMode, v2

from benchmarks import script
from benchmarks.datasets import DATASETS
from gan_augment.evaluation import cells, classic, classifiers
from gan_augment.evaluation.arms import ARMS, MOST, Material, Option, take, taken
from gan_augment.evaluation.classifiers import classifier
from gan_augment.evaluation.fitting import applicable
from gan_augment.evaluation.networks import BATCH, cnn
from gan_augment.evaluation.scores import scores
from gan_augment.evaluation.training_set import resample
from gan_augment.params import ClassicParams, EvaluateParams
from gan_augment.seeding import seed_of
from gan_augment.table import Images

SCARCE = 16
PER_CLASS = 80
NETWORKS = 10


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    if options.transforms:
        print(_transforms(options.size))
    elif options.batched:
        print(_batched(options.size))
    else:
        print(_whole(options))


def _whole(options: argparse.Namespace) -> str:
    material, held_out = _material(options)
    params = EvaluateParams(
        repeats=options.repeats,
        arms=tuple(options.arms),
        classifiers=tuple(options.classifiers),
        steps=options.steps,
    )
    choices: dict[str, dict[str, Option]] = {
        arm: {name: ARMS[arm].options[0] for name in params.classifiers if applicable(arm, name)}
        for arm in params.arms
    }
    judged = {"test": held_out}
    repeats = params.repeats if options.whole else 1
    with _ImageByImage():
        began = time.perf_counter()
        plain = _plain_loop(material, judged, params, choices, repeats)
        loop = (time.perf_counter() - began) * params.repeats / repeats
    began = time.perf_counter()
    same = ([material] * params.sets).__getitem__
    rows, _ = cells.compute(same, judged, params, choices)
    fanned = time.perf_counter() - began
    means = [
        np.mean([row[-1] for row in part if row[3:5] == ("test", "accuracy")])
        for part in (plain, rows)
    ]
    lines = ["| | seconds | mean accuracy |", "|---|---:|---:|"]
    title = "plain loop" if options.whole else "plain loop, one repeat × repeats"
    lines.append(f"| {title} | {loop:.0f} | {means[0]:.3f} |")
    lines.append(f"| cells | {fanned:.0f} | {means[1]:.3f} |")
    lines.append(f"\n{len(rows)} cells, {loop / fanned:.1f}× as fast.")
    return "\n".join(lines)


def _plain_loop(
    material: Material,
    judged: dict[str, Images],
    params: EvaluateParams,
    choices: dict[str, dict[str, Option]],
    repeats: int,
) -> list[cells.Row]:
    rows: list[cells.Row] = []
    for repeat in range(repeats):
        seed = seed_of(params.seed, "repeat", repeat)
        for arm, of_arm in choices.items():
            for name, option in of_arm.items():
                make = ARMS[arm].prepare(material, seed)
                training_set = resample(make(option, material.classic), seed)
                targets = [images.pixels for images in judged.values()]
                scored = classifier(name).judge(training_set, targets, params, seed)
                for (split, images), predicted in zip(judged.items(), scored, strict=True):
                    key = (repeat, name, arm, split)
                    rows += [(*key, *values) for values in scores(images, predicted)]
    return rows


def _material(options: argparse.Namespace) -> tuple[Material, Images]:
    """Return 80 images of even and 16 of odd classes, moved ones for synthetic, and others."""
    images, held_out = DATASETS[options.dataset](options.data, PER_CLASS, 0)
    counts = np.where(np.arange(len(images.classes)) % 2, SCARCE, PER_CLASS)
    real = take(images, counts, 1, 0)
    missing = real.counts().max() - real.counts()
    source = taken(real.labels, np.maximum(MOST * missing, real.counts()), 1, 0)
    moved = classic.transformed(real.pixels[source], ClassicParams(), 0)
    raw = replace(real.select(source), pixels=moved)
    synthetic = take(raw, missing, 1, 0)
    return Material(real, synthetic, partial(take, raw, ratio=1, seed=0), ClassicParams()), held_out


class _ImageByImage:
    """The plain loop's transforms: torchvision's, an image at a time; features never shared."""

    def __enter__(self) -> None:
        self.affine = classic.POLICIES["affine"]
        self.seen = classifiers._seen
        classic.POLICIES["affine"] = _one_by_one
        classifiers._seen = self.seen.__wrapped__  # type: ignore[assignment]

    def __exit__(self, *_: object) -> None:
        classic.POLICIES["affine"] = self.affine
        classifiers._seen = self.seen


def _one_by_one(batch: Tensor, params: ClassicParams) -> Tensor:
    move = v2.RandomAffine(
        params.degrees,
        (params.translate, params.translate),
        (1 - params.scale, 1 + params.scale),
        interpolation=InterpolationMode.BILINEAR,
    )
    return torch.stack([move(image) for image in batch])


def _transforms(size: int) -> str:
    batch = torch.randint(256, (BATCH, 1, size, size), dtype=torch.uint8)
    lines = [f"| {BATCH} images of {size}×{size} | ms |", "|---|---:|"]
    ways: dict[str, Callable[[Tensor, ClassicParams], Tensor]] = {
        "affine, image by image": _one_by_one,
        "RandAugment, image by image": lambda x, _: torch.stack([v2.RandAugment()(i) for i in x]),
        **classic.POLICIES,
    }
    for name, apply in ways.items():
        lines.append(f"| {name} | {_milliseconds(partial(apply, batch, ClassicParams())):.1f} |")
    return "\n".join(lines)


def _batched(size: int) -> str:
    """Time a training step of ten small networks: one by one, and by torch.func.vmap."""
    torch.set_num_threads(1)
    labels = torch.randint(10, (NETWORKS, BATCH))
    lines = [f"| a step of {NETWORKS} networks, {size}×{size} | ms |", "|---|---:|"]
    for layout in (torch.contiguous_format, torch.channels_last):
        x = torch.randn(BATCH, 1, size, size).contiguous(memory_format=layout)
        net = cnn(1, 10)
        net(x)
        net.to(memory_format=layout)
        step = _stepper(lambda net=net, x=x: net(x), list(net.parameters()), labels[0])
        lines.append(f"| one by one, {layout} | {NETWORKS * _milliseconds(step):.0f} |")
    nets = [_without_statistics(size) for _ in range(NETWORKS)]
    stacked, buffers = torch.func.stack_module_state(nets)
    call = torch.vmap(lambda p, b, x: torch.func.functional_call(nets[0], (p, b), (x,)))
    xs = torch.randn(NETWORKS, BATCH, 1, size, size)
    step = _stepper(
        lambda: call(stacked, buffers, xs).flatten(0, 1), list(stacked.values()), labels.flatten()
    )
    lines.append(f"| torch.func.vmap | {_milliseconds(step):.0f} |")
    return "\n".join(lines)


def _without_statistics(size: int) -> nn.Module:
    """Return a network whose normalisation keeps no running means, which vmap refuses."""
    net = cnn(1, 10)
    net(torch.zeros(2, 1, size, size))
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.track_running_stats = False
            layer.running_mean = layer.running_var = layer.num_batches_tracked = None
    return net


def _stepper(
    logits: Callable[[], Tensor], parameters: list[Tensor], labels: Tensor
) -> Callable[[], None]:
    optimizer = torch.optim.Adam(parameters)

    def step() -> None:
        optimizer.zero_grad()
        F.cross_entropy(logits(), labels).backward()
        optimizer.step()

    return step


def _milliseconds(work: Callable[[], object], times: int = 10) -> float:
    """Return the processor time of one call, since other work may share the machine."""
    work()
    began = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - began) / times * 1000


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluate")
    parser.add_argument("--dataset", choices=DATASETS, default="digits")
    parser.add_argument("--data", type=Path, help="folder with the training part of Fashion-MNIST")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--steps", type=int, default=500)
    arms = ["real", "class-weights", "oversample", "smote", "gmm", "placebo", "classic", "gan"]
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=[*arms, "gan+classic"])
    judges = ["logistic-regression", "k-nn", "rbf-svm", "cnn"]
    parser.add_argument("--classifiers", nargs="+", default=judges)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--transforms", action="store_true")
    parser.add_argument("--batched", action="store_true")
    parser.add_argument("--size", type=int, default=28)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    script.run(main)
