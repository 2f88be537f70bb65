from typing import Any

import pytest

from gan_augment.errors import UserError
from gan_augment.gan.recipe import networks, recipe
from gan_augment.params import TrainParams


@pytest.mark.parametrize(
    ("size", "name", "steps"),
    [((8, 8), "mlp", 4000), ((16, 16), "mlp", 4000), ((8, 28), "resnet", 5000)],
)
def test_auto_chooses_by_size_and_fills_in_what_suits(
    size: tuple[int, int], name: str, steps: int
) -> None:
    chosen = recipe(TrainParams(), size)
    assert (chosen.network, chosen.steps) == (name, steps)


def test_what_is_given_is_kept() -> None:
    chosen = recipe(TrainParams(network="resnet", steps=7, gamma=0.5), (8, 8))
    assert (chosen.network, chosen.steps, chosen.gamma, chosen.batch_size) == ("resnet", 7, 0.5, 16)


@pytest.mark.parametrize(
    ("given", "size", "names"),
    [
        ({}, (16, 16), ("mlp",)),
        ({}, (28, 8), ("mlp", "resnet")),
        ({"width": 16}, (28, 28), ("resnet",)),
        ({"init_from": "models/generator"}, (28, 28), ("resnet",)),
        ({"network": "dcgan"}, (28, 28), ("dcgan",)),
        ({}, (25, 25), ("mlp",)),
        ({}, (32, 17), ("mlp",)),
        ({}, (), ("gaussian",)),
    ],
)
def test_auto_takes_two_networks_where_either_may_be_better(
    given: dict[str, Any], size: tuple[int, ...], names: tuple[str, ...]
) -> None:
    assert networks(TrainParams(**given), size) == names


@pytest.mark.parametrize(("name", "steps"), [("mlp", 500), ("dcgan", 500), ("resnet", 1000)])
def test_scores_come_some_five_to_eight_times(name: str, steps: int) -> None:
    assert recipe(TrainParams(network=name), (32, 32)).eval_interval == steps


@pytest.mark.parametrize(
    ("given", "penalty", "gamma"),
    [
        ({}, "r1+r2", 1.0),
        ({"loss": "wasserstein"}, "wgan-gp", 10.0),
        ({"loss": "wasserstein", "weight_clip": 0.01}, "none", 0.0),
        ({"loss": "hinge", "penalty": "r1"}, "r1", 1.0),
        ({"penalty": "none"}, "none", 0.0),
        ({"penalty": "none", "gamma": 2.0}, "none", 0.0),
        ({"loss": "wasserstein", "gamma": 5.0}, "wgan-gp", 5.0),
    ],
)
def test_the_loss_chooses_its_penalty(given: dict[str, Any], penalty: str, gamma: float) -> None:
    chosen = recipe(TrainParams(**given), (8, 8))
    assert (chosen.penalty, chosen.gamma) == (penalty, gamma)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"network": "resnt"}, "train.network = 'resnt': did you mean 'resnet'"),
        ({"loss": "hing"}, "train.loss = 'hing': did you mean 'hinge'"),
        ({"penalty": "r3"}, "train.penalty = 'r3': allowed: none, r1"),
        ({"augment": ("color",)}, "train.augment = 'color': did you mean 'colour'"),
        ({"weight_clip": 0.01}, "weight_clip belongs to the Wasserstein loss"),
        (
            {"loss": "wasserstein", "weight_clip": 0.01, "penalty": "wgan-gp"},
            "weight_clip and train.penalty = 'wgan-gp' bound the discriminator twice",
        ),
        (
            {"loss": "wasserstein", "weight_clip": 0.01, "spectral_norm": True},
            "weight_clip and train.spectral_norm bound the discriminator twice",
        ),
        ({"loss": "wasserstein", "penalty": "none"}, "has no bound unless"),
        ({"loss": "wasserstein", "gamma": 0.0}, "has no bound unless"),
        ({"minibatch_stddev": True, "batch_size": 30}, "batch_size = 30 must be a multiple of 4"),
        ({"augment": ("translation",)}, "collapse on images of 8×8 pixels; it needs 16"),
        ({"label_ramp": (0.0, 0.5), "conditional": False}, "there are no labels to ramp in"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        recipe(TrainParams(**given), (8, 8))


def test_groups_of_images_must_fit_into_the_share_of_a_process() -> None:
    params = TrainParams(minibatch_stddev=True, batch_size=16)
    assert recipe(params, (8, 8), processes=4).batch_size == 16
    told = "in each of 8 processes: train.batch_size = 16 must be a multiple of 32"
    with pytest.raises(UserError, match=told):
        recipe(params, (8, 8), processes=8)


def test_spectral_normalisation_bounds_a_wasserstein_critic() -> None:
    chosen = recipe(
        TrainParams(loss="wasserstein", penalty="none", spectral_norm=True), size=(8, 8)
    )
    assert chosen.spectral_norm
