"""What a training run really uses: params with nothing left open, and refusals of what cannot be.

Three things fill in what params leave null: the size of the images chooses the network, or those
among which validation chooses; the network its width, steps and rates, and the loss its penalty.
"""

from typing import Any

import torch

from gan_augment.errors import UserError, choose
from gan_augment.gan.augment import AUGMENTATIONS, LARGE_ENOUGH_TO_MOVE
from gan_augment.gan.losses import LOSSES
from gan_augment.gan.networks import NETWORKS, Shape, build
from gan_augment.gan.networks.layers import GROUP
from gan_augment.gan.penalties import PENALTIES
from gan_augment.params import Recipe, TrainParams

MLP_UP_TO = 16
"""Pixels a side at which convolutions have nothing left to gain."""
EITHER = ("mlp", "resnet")
"""Networks above that, the cheapest first, either of which may be better."""
OF_ONE_NETWORK = ("width", "init_from")
"""Settings that fit one network and not another."""
EVAL_INTERVAL = 500


def networks(params: TrainParams, size: tuple[int, ...]) -> tuple[str, ...]:
    """Return the networks to train, the cheapest first, of which validation keeps the best.

    Of `auto` those that can make images of this size.

    Args:
        params: the section `train`.
        size: height and width of the images in pixels; empty for features.
    """
    if params.network != "auto":
        return (params.network,)
    if not size:
        return ("gaussian",)
    if max(size) <= MLP_UP_TO:
        return ("mlp",)
    if any(getattr(params, name) is not None for name in OF_ONE_NETWORK):
        return ("resnet",)
    return tuple(name for name in EITHER if not misfit(name, size))


def misfit(network: str, size: tuple[int, ...]) -> str:
    """Return why a network cannot make images of this size, height and width; nothing if it can."""
    try:
        with torch.device("meta"):
            build(network, Shape(1, size, classes=1, latent_dim=1, embedding_dim=1, width=1))
    except UserError as error:
        return str(error)
    return ""


def recipe(params: TrainParams, size: tuple[int, ...], processes: int = 1) -> Recipe:
    """Return `params` with the network chosen and its defaults in the place of null.

    Args:
        params: the section `train`; of several networks, see `networks`, the last is meant.
        size: height and width of the images in pixels; empty for features.
        processes: how many share the batches.

    Raises:
        UserError: names that do not exist, or settings that do not go together.
    """
    check_names(params)
    given = params.model_dump(exclude_none=True)
    network = networks(params, size)[-1]
    _refuse_network(network, size)
    loss_penalty = "none" if params.weight_clip else LOSSES[params.loss].penalty
    penalty = params.penalty or loss_penalty
    open_values: dict[str, Any] = {
        "eval_interval": EVAL_INTERVAL,
        **NETWORKS[network].defaults,
        "network": network,
        "select": "cas" if size else "lift",
    }
    forced: dict[str, Any] = {"network": network, "penalty": penalty}
    chosen = PENALTIES[penalty]
    if chosen is None:
        forced["gamma"] = 0.0
    elif chosen.gamma is not None:
        open_values["gamma"] = chosen.gamma
    settled = Recipe.model_validate({**open_values, **given, **forced})
    _refuse_what_cannot_be(settled, size)
    _refuse_groups(settled, processes)
    return settled


def check_names(params: TrainParams) -> None:
    """Refuse a network, loss, penalty or augmentation that does not exist."""
    choose({"auto": None, **NETWORKS}, params.network, "train.network")
    choose(LOSSES, params.loss, "train.loss")
    if params.penalty is not None:
        choose(PENALTIES, params.penalty, "train.penalty")
    for name in params.augment:
        choose(AUGMENTATIONS, name, "train.augment")


def _refuse_network(name: str, size: tuple[int, ...]) -> None:
    able = [name for name, n in NETWORKS.items() if (n.images if size else n.features)]
    if name not in able:
        kind = "images" if size else "features of a backbone"
        raise UserError(
            f"train.network = {name!r} does not make {kind}: use auto, {', '.join(able)}"
        )


def _refuse_what_cannot_be(params: Recipe, size: tuple[int, ...]) -> None:
    if not size and (params.augment or not params.conditional):
        what = "conditional = false" if params.augment == () else "augment"
        raise UserError(f"train.{what} is for images, and features of a backbone are trained on")
    if not size and params.inception_weights:
        raise UserError(
            "train.inception_weights look at images, and features of a backbone are trained on: "
            "set it to null"
        )
    penalised = params.penalty != "none" and params.gamma > 0
    if params.weight_clip and params.loss != "wasserstein":
        raise UserError(
            f"train.weight_clip belongs to the Wasserstein loss: with train.loss = "
            f"{params.loss!r} clipped weights only make the discriminator weak; set it to null"
        )
    if params.weight_clip and (penalised or params.spectral_norm):
        other = "spectral_norm" if params.spectral_norm else f"penalty = {params.penalty!r}"
        raise UserError(
            f"train.weight_clip and train.{other} bound the discriminator twice; keep one of them"
        )
    if params.loss == "wasserstein" and not (
        params.weight_clip or penalised or params.spectral_norm
    ):
        raise UserError(
            "train.loss = 'wasserstein' has no bound unless the discriminator is kept smooth: "
            "set train.penalty (wgan-gp), train.weight_clip (0.01) or train.spectral_norm"
        )
    if "translation" in params.augment and min(size) < LARGE_ENOUGH_TO_MOVE:
        raise UserError(
            f"train.augment: translation makes the generator collapse on images of "
            f"{size[1]}×{size[0]} pixels; it needs {LARGE_ENOUGH_TO_MOVE} or more a side"
        )
    if params.label_ramp and not params.conditional:
        raise UserError("train.label_ramp needs train.conditional: there are no labels to ramp in")


def _refuse_groups(params: Recipe, processes: int) -> None:
    whole = GROUP * processes
    if params.minibatch_stddev and params.batch_size % whole:
        each = f" in each of {processes} processes" if processes > 1 else ""
        raise UserError(
            f"train.minibatch_stddev compares groups of {GROUP} images{each}: train.batch_size = "
            f"{params.batch_size} must be a multiple of {whole}"
        )
