"""Train: data/real becomes models/generator, with its history and sample sheets."""

import csv
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from lightning_fabric import Fabric

from pipeline import table
from pipeline.errors import UserError
from pipeline.gan import model
from pipeline.gan.batches import Batches
from pipeline.gan.networks import NETWORKS, Shape, recipe
from pipeline.gan.sampling import sample
from pipeline.gan.trainer import StepLog, Trainer
from pipeline.metrics.cas import classification_accuracy_score
from pipeline.params import Recipe, TrainParams
from pipeline.progress import progress
from pipeline.sheet import contact_sheet
from pipeline.storage import digest, replace_directory

LOG_EVERY = 20
SHEET_COLUMNS = 10
CAS_IMAGES_A_CLASS = 100


def run(params: TrainParams, inputs: Mapping[str, Path], outputs: Mapping[str, Path]) -> None:
    """Train the generator on the train split, scoring it on the validation split as it goes.

    Killed at any point and started again with the same inputs and params, it resumes from its last
    checkpoint in `outputs["scratch"]` and ends with the same bytes as an uninterrupted run.

    Args:
        params: the section `train`.
        inputs: `real`, an image table.
        outputs: `model`, a folder of config and weights; `history`, a folder of losses.csv,
            validation.csv and samples/; `scratch`, where checkpoints live meanwhile.

    Raises:
        UserError: params that do not fit the images.
    """
    images, validation = (table.read(inputs["real"], split) for split in ("train", "validation"))
    _, channels, height, width = images.pixels.shape
    settings = recipe(params, (height, width))
    shape = Shape(
        channels,
        height,
        width,
        _classes_with_images(images),
        settings.latent_dim,
        settings.embedding_dim,
        settings.width,
    )
    environment = _environment(settings)
    with _deterministic(environment["threads"]):
        fabric = Fabric(accelerator="auto", devices=1, precision=environment["precision"])
        trainer = Trainer(NETWORKS[settings.network], shape, settings, fabric)
        batches = Batches(
            images, settings.batch_size, settings.latent_dim, settings.seed, fabric.device
        )
        fingerprint = digest(
            settings.model_dump_json(),
            table.table_hash(inputs["real"], "train"),
            table.table_hash(inputs["real"], "validation"),
            repr(environment),
        )
        scratch = outputs["scratch"] / fingerprint
        history = _train(trainer, batches, validation, shape, settings, scratch)

    training = {"params": settings.model_dump(mode="json"), "environment": environment}
    with (
        replace_directory(outputs["model"]) as folder,
        replace_directory(outputs["history"]) as log,
    ):
        model.save(
            folder,
            trainer.ema,
            trainer.discriminator,
            network=settings.network,
            shape=shape,
            classes=images.classes,
            training=training,
        )
        _write_history(log, history, scratch / "samples")
    shutil.rmtree(scratch)


def _classes_with_images(images: table.Images) -> int:
    """Return the number of classes, all of which must have training images."""
    empty = [name for name, n in zip(images.classes, images.counts(), strict=True) if n == 0]
    if empty:
        raise UserError(f"class {empty[0]!r} has no training image: check ingest.split")
    return len(images.classes)


def _environment(params: Recipe) -> dict[str, Any]:
    """Return what besides data and params decides the bytes of the result."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    native_bf16 = (
        torch.cuda.is_bf16_supported()
        if device == "cuda"
        else torch.cpu._is_avx512_bf16_supported()
    )
    automatic = "bf16-mixed" if params.network != "mlp" and native_bf16 else "32-true"
    threads = 1 if params.network == "mlp" else len(os.sched_getaffinity(0))
    return {
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name() if device == "cuda" else "cpu",
        "precision": automatic if params.precision == "auto" else params.precision,
        "threads": params.threads or threads,
    }


@contextmanager
def _deterministic(threads: int) -> Iterator[None]:
    """Fix the thread count and choose deterministic kernels inside the block."""
    settings: Any = torch.utils.deterministic
    before = torch.get_num_threads(), settings.fill_uninitialized_memory
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    # Filling fresh memory would only mask reads of it, of which there are none; it costs 4 %.
    settings.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)
        torch.set_num_threads(before[0])
        settings.fill_uninitialized_memory = before[1]


def _train(
    trainer: Trainer,
    batches: Batches,
    validation: table.Images,
    shape: Shape,
    params: Recipe,
    scratch: Path,
) -> dict[str, list[dict[str, float]]]:
    """Run the steps that are left and return the history of all."""
    state = trainer.state()
    start = state.load_latest(scratch)
    history: dict[str, list[dict[str, float]]] = state.record or {"losses": [], "validation": []}
    state.record = history
    if start:
        print(f"train: resuming after step {start}")
    began = time.monotonic()
    with progress("train", params.steps, "steps", start) as advance:
        for step in range(start, params.steps):
            log = trainer.step(step, batches[step])
            done = step + 1
            if done % LOG_EVERY == 0 or done == params.steps:
                history["losses"].append({"step": done, **_numbers(log, done)})
                rate = (done - start) * params.batch_size / (time.monotonic() - began)
                advance(done, _note(rate, history))
            if done % params.eval_interval == 0 or done == params.steps:
                scores = _evaluate(trainer, validation, shape, params, scratch / "samples", done)
                history["validation"].append({"step": done, **scores})
            if done % params.checkpoint_interval == 0 or done == params.steps:
                state.save(scratch, done)
    return history


def _numbers(log: StepLog, step: int) -> dict[str, float]:
    values = torch.stack(log).tolist()
    if not np.isfinite(values).all():
        raise UserError(
            f"training diverged: a loss or gradient penalty is not finite at step {step}; "
            "lower train.learning_rate or raise train.gamma"
        )
    return dict(zip(StepLog._fields, values, strict=True))


def _note(rate: float, history: dict[str, list[dict[str, float]]]) -> str:
    last = history["losses"][-1]
    note = (
        f"{rate:.0f} images/s  D {last['loss_discriminator']:.3f}  G {last['loss_generator']:.3f}"
    )
    if history["validation"]:
        note += f"  CAS {history['validation'][-1]['cas']:.3f}"
    return note


def _evaluate(
    trainer: Trainer,
    validation: table.Images,
    shape: Shape,
    params: Recipe,
    samples: Path,
    step: int,
) -> dict[str, float]:
    """Draw a sample sheet and score the averaged generator on the validation split."""
    drawn = [
        sample(trainer.ema, shape.latent_dim, label, range(CAS_IMAGES_A_CLASS), params.seed)
        for label in range(shape.classes)
    ]
    samples.mkdir(parents=True, exist_ok=True)
    sheet = contact_sheet(
        np.concatenate([images[:SHEET_COLUMNS] for images in drawn]), SHEET_COLUMNS
    )
    sheet.save(samples / f"step-{step:06d}.png")
    synthetic = table.Images(
        np.concatenate(drawn),
        np.repeat(np.arange(shape.classes), CAS_IMAGES_A_CLASS),
        validation.classes,
        pd.DataFrame(),
    )
    return {"cas": classification_accuracy_score(synthetic, validation)}


def _write_history(folder: Path, history: dict[str, list[dict[str, float]]], samples: Path) -> None:
    for name, rows in history.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    shutil.copytree(samples, folder / "samples")
