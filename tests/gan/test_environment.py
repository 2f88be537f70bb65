"""Which device training takes."""

from typing import Any

import pytest
import torch

from gan_augment.gan import environment
from gan_augment.gan.recipe import recipe
from gan_augment.params import TrainParams


@pytest.mark.parametrize(("cuda", "device"), [(True, "cuda"), (False, "cpu")])
def test_training_takes_a_gpu_of_cuda_and_no_other(
    cuda: bool, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not that of a Mac, which computes no float64."""
    asked: list[str] = []

    class Asked:
        def __init__(self, **given: Any) -> None:
            asked.append(given["accelerator"])

        def launch(self) -> None:
            pass

    monkeypatch.setattr(environment, "Fabric", Asked)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    environment.fabric(recipe(TrainParams(precision="32-true"), (8, 8)))
    assert asked == [device]
