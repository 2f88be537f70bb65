"""Train: data/real becomes models/generator, with its history and sample sheets."""

import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric

from gan_augment import mapped, table
from gan_augment.errors import UserError
from gan_augment.gan import contest, environment, model, start, warm_start
from gan_augment.gan.batches import Batches
from gan_augment.gan.history import Row
from gan_augment.gan.loop import SAMPLES, Loop
from gan_augment.gan.networks import Shape
from gan_augment.gan.recipe import EITHER, misfit, networks, recipe
from gan_augment.gan.spread import calibrate
from gan_augment.gan.start import GAUSSIAN
from gan_augment.gan.trainer import Trainer
from gan_augment.gan.validation import Validator
from gan_augment.metrics.lift import Lift
from gan_augment.params import Recipe, Space, TrainParams
from gan_augment.storage import digest, fingerprint, read_json, replace_directory, write_json
from gan_augment.temporary import scratch_of

CODES = 64
"""Principal components that stand for features where validation does not choose how many."""
LARGEST = 128
"""Pixels a side that are asked for and can be had: 128 take a day or two on two cores."""


def run(
    params: TrainParams,
    inputs: Mapping[str, Path],
    outputs: Mapping[str, Path],
    space: Space = "auto",
) -> None:
    """Train the generator on the train split, scoring it on the validation split as it goes.

    Killed at any point and started again with the same inputs and params, it resumes from its last
    checkpoint in `outputs["scratch"]` and ends with the same bytes as an uninterrupted run.

    Args:
        params: the section `train`.
        inputs: `real`, an image table; `features`, what a backbone sees in its images, if any did.
        outputs: `model`, a folder of config and weights; `history`, a folder of losses.csv,
            validation.csv, events.csv, floor.json, samples/ and, of features, start.csv and
            spread.csv, and of several networks networks.csv; `scratch`, where checkpoints live
            meanwhile.
        space: `generate.space`, what the generator makes.

    Raises:
        UserError: params that do not fit the images, images too large to be made, or training that
            failed and left no model.
    """
    samples = table.samples(inputs, space)
    train, validation = (
        mapped.read(samples, split, outputs["scratch"]) for split in ("train", "validation")
    )
    size = train.pixels.shape[2:]
    if space == "pixels":
        _refuse_large(size)
    rank, processes = environment.place()
    chosen = networks(params, size)
    settings = {
        name: recipe(params.model_copy(update={"network": name}), size, processes)
        for name in chosen
    }
    if params.network == "auto" and rank == 0:
        _tell_misfits(size, chosen)
    _refuse_empty(train)
    hashes = [table.table_hash(samples, split) for split in ("train", "validation")]
    hashes += _hash_of_weights(params.inception_weights)
    train_one = partial(_train, train, validation, hashes)
    if len(settings) == 1:
        (only,) = settings.values()
        train_one(only, outputs)
        return
    contest.run(train_one, settings, outputs, *hashes)


def _train(
    train: table.Images,
    validation: table.Images,
    hashes: Sequence[str],
    settings: Recipe,
    outputs: Mapping[str, Path],
) -> None:
    """Train one network, from its last checkpoint if it was killed.

    Args:
        train: the training samples.
        validation: those that generators are scored by.
        hashes: of both, and of what else is read.
        settings: the section `train` with nothing left open.
        outputs: see `run`.
    """
    fabric = environment.fabric(settings)
    described = environment.describe(settings, fabric)
    origin = _fetch(settings, outputs["scratch"], fabric)
    earlier = warm_start.files(origin) if origin else []
    known = repr((described, train.space))
    known_as = fingerprint(settings.model_dump_json(), *hashes, known, *earlier)
    with scratch_of(outputs["scratch"], known_as, fabric.is_global_zero) as scratch:
        with environment.deterministic(described["threads"]):
            lift = _lift(train, validation, settings, fabric)
            starts = [] if origin else _starts(train, lift, settings, fabric, scratch)
            trainer = _trainer(train, settings, fabric, origin, starts)
            loop = _loop(trainer, train, validation, lift, settings, fabric, scratch)
            loop.run()
            if lift:
                loop.history.start = starts
                kept = trainer.best_generator, trainer.shape.latent_dim
                loop.history.spread = calibrate(*kept, lift, settings.seed)
        if fabric.is_global_zero:
            _write(outputs, trainer, loop, settings, train, described)


def _trainer(
    train: table.Images,
    settings: Recipe,
    fabric: Fabric,
    origin: Path | None,
    starts: Sequence[Row],
) -> Trainer:
    """Return the networks as they are before the first step, and what trains them.

    Args:
        train: the training samples.
        settings: the section `train` with nothing left open.
        fabric: where training runs.
        origin: the folder of a model to start from, if any.
        starts: what training of features could start from.
    """
    trained = warm_start.read(origin, train.space) if origin else None
    untold: Row = {"codes": _codes(trained), "covariance": "own"}
    chosen = start.best(starts) if starts else untold
    trainer = Trainer(shape_of(train, settings, chosen["codes"]), settings, fabric)
    if trained:
        _start_from(trained, origin, trainer, fabric)
    trainer.begin(train, chosen["covariance"])
    return trainer


def _loop(
    trainer: Trainer,
    train: table.Images,
    validation: table.Images,
    lift: Lift | None,
    settings: Recipe,
    fabric: Fabric,
    scratch: Path,
) -> Loop:
    """Return the loop that trains on batches of `train`, and by `validation` in one process."""
    batches = Batches(
        train,
        settings.batch_size,
        trainer.shape.latent_dim,
        settings.seed,
        fabric.device,
        settings.balance,
        fabric.global_rank,
        fabric.world_size,
        trainer.generator.codec,
    )
    validator = (
        Validator(train, validation, trainer.shape, settings, fabric.device, scratch, lift)
        if fabric.is_global_zero
        else None
    )
    return Loop(trainer, batches, validator, settings, fabric, scratch)


def _refuse_large(size: tuple[int, ...]) -> None:
    """Refuse to make images of which a GAN of pixels would take days.

    Raises:
        UserError: says what to set.
    """
    if max(size) > LARGEST:
        raise UserError(
            f"generate.space = 'pixels': the images are {size[1]}×{size[0]} pixels, and a GAN of "
            f"pixels is for {LARGEST} a side at most: set ingest.image_size to 64 (a backbone sees "
            "them enlarged), or generate.space to features"
        )


def _tell_misfits(size: tuple[int, ...], chosen: Sequence[str]) -> None:
    """Say which networks are not trained because they cannot make images of this size."""
    for name in EITHER if size else ():
        if name not in chosen and (reason := misfit(name, size)):
            print(f"train: {name} is left out: {reason}", flush=True)


def _refuse_empty(train: table.Images) -> None:
    """Refuse classes of which there is nothing to learn.

    Raises:
        UserError: names one.
    """
    empty = [name for name, n in zip(train.classes, train.counts(), strict=True) if n == 0]
    if empty:
        raise UserError(f"class {empty[0]!r} has no training image: check ingest.split")


def _hash_of_weights(file: Path | None) -> list[str]:
    """Return the hash of the weights of the user's Inception, if there are any.

    Raises:
        UserError: the file cannot be read.
    """
    try:
        return [digest(file)] if file else []
    except OSError as error:
        raise UserError(
            f"train.inception_weights: {file} cannot be read: {error.strerror}"
        ) from None


def _lift(
    train: table.Images, validation: table.Images, params: Recipe, fabric: Fabric
) -> Lift | None:
    """Return what measures lift, in the first process, for generators that know classes."""
    known = params.conditional and fabric.is_global_zero
    return Lift(train, validation, params.seed) if known else None


def _starts(
    train: table.Images, lift: Lift | None, params: Recipe, fabric: Fabric, scratch: Path
) -> list[Row]:
    """Return what training of features could start from, kept in `scratch` for when it resumes."""
    if not train.space:
        return []
    kept, rows = scratch / "start.json", []
    if lift:
        if not kept.exists():
            shape = partial(shape_of, train, params.model_copy(update={"network": GAUSSIAN}))
            scratch.mkdir(parents=True, exist_ok=True)
            write_json(kept, start.candidates(train, lift, shape, params.seed))
        rows = read_json(kept)
    found: list[Row] = fabric.broadcast(rows)
    return found


def _codes(trained: warm_start.Weights | None) -> int:
    """Return how many codes a model to start from has, if it is one of features."""
    components = trained["generator"].get("codec.components") if trained else None
    return CODES if components is None else len(components)


def shape_of(train: table.Images, params: Recipe, codes: int = CODES) -> Shape:
    """Return the sizes of the networks for these training images, or features in so many codes."""
    channels, *size = train.pixels.shape[1:]
    features = channels if train.space else 0
    if features:
        channels = min(codes, features, len(train) - 1)
    return Shape(
        channels,
        tuple(size),
        len(train.classes),
        channels if params.network == GAUSSIAN else params.latent_dim,
        params.embedding_dim,
        params.width,
        params.minibatch_stddev,
        params.spectral_norm,
        features,
    )


def _fetch(params: TrainParams, scratch: Path, fabric: Fabric) -> Path | None:
    """Return the folder of the model to start from, if any; the first process gets it for all."""
    if params.init_from is None:
        return None
    with fabric.rank_zero_first():
        return warm_start.fetch(params.init_from, scratch, fabric.is_global_zero)


def _start_from(
    weights: warm_start.Weights, folder: Path | None, trainer: Trainer, fabric: Fabric
) -> None:
    """Begin with the weights of a model trained before, and say what had to start anew."""
    fresh = warm_start.start(trainer, weights)
    if fabric.is_global_zero:
        print(f"train: starting from {folder}")
        for line in fresh:
            print(f"train: starts anew, since it does not fit: {line}")


def _write(
    outputs: Mapping[str, Path],
    trainer: Trainer,
    loop: Loop,
    params: Recipe,
    train: table.Images,
    described: Mapping[str, Any],
) -> None:
    training = {
        "params": params.model_dump(mode="json"),
        "environment": described,
        "best": loop.history.best,
        "stopped": loop.history.stopped,
    }
    with (
        replace_directory(outputs["model"]) as folder,
        replace_directory(outputs["history"]) as log,
    ):
        model.save(
            folder,
            trainer.best_generator,
            trainer.best_discriminator,
            network=params.network,
            shape=trainer.shape,
            classes=train.classes,
            space=train.space,
            conditional=params.conditional,
            training=training,
        )
        loop.history.write(log)
        shutil.copytree(loop.scratch / SAMPLES, log / SAMPLES)
