from dataclasses import replace

import numpy as np
import pytest
import torch

from gan_augment import bfloat16
from gan_augment.evaluation.networks import NETWORKS, ResNet, batches, cnn, judge, learn
from gan_augment.evaluation.training_set import TrainingSet, of_images
from gan_augment.table import Images


@pytest.fixture
def training_set(train_images: Images) -> TrainingSet:
    return of_images(train_images)


@pytest.mark.parametrize(("side", "stages"), [(8, 2), (28, 3), (32, 4), (64, 4)])
def test_the_residual_network_is_sized_to_the_image(side: int, stages: int) -> None:
    net = ResNet(3, 7)
    assert net(torch.zeros(2, 3, side, side)).shape == (2, 7)
    assert sum(type(layer).__name__ == "Block" for layer in net.layers) == 2 * stages


@pytest.mark.parametrize("name", NETWORKS)
def test_soft_labels_are_what_is_learnt(name: str, training_set: TrainingSet) -> None:
    """All images are said to be a four with 0.7 and a nine with 0.3."""
    target = np.zeros((len(training_set.labels), 10))
    target[:, 4], target[:, 9] = 0.7, 0.3
    made = replace(training_set, soft=target)
    (scores,) = judge(NETWORKS[name], made, [made.pixels], 80, 0)
    np.testing.assert_allclose(scores.mean(axis=0)[[4, 9]], [0.7, 0.3], atol=0.1)


@pytest.mark.parametrize(("native", "kind"), [(True, torch.bfloat16), (False, torch.float32)])
def test_our_networks_multiply_in_what_the_processor_is_good_at(
    training_set: TrainingSet, monkeypatch: pytest.MonkeyPatch, native: bool, kind: torch.dtype
) -> None:
    monkeypatch.setattr(bfloat16, "native", lambda: native)
    kinds = list[torch.dtype]()

    def watched(channels: int, classes: int) -> torch.nn.Module:
        made = cnn(channels, classes)
        made.register_forward_hook(lambda _, __, logits: kinds.append(logits.dtype))
        return made

    judge(watched, training_set, [training_set.pixels[:3]], steps=2, seed=0)
    assert set(kinds) == {torch.float32}  # the user's own may be slower in anything else
    kinds.clear()
    monkeypatch.setitem(NETWORKS, "cnn", watched)
    judge(watched, training_set, [training_set.pixels[:3]], steps=2, seed=0)
    assert kinds == [torch.float32, kind, kind, torch.float32]


@pytest.mark.parametrize("steps", range(1, 12))
def test_any_number_of_steps(steps: int, training_set: TrainingSet) -> None:
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    before = net[1].weight.clone()
    learn(net, net.parameters(), 0.1, batches(training_set, steps, 4), steps)
    assert not torch.equal(net[1].weight, before)


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_mixed_images_carry_the_shares_of_their_labels(
    kind: str, training_set: TrainingSet
) -> None:
    torch.manual_seed(0)
    made = replace(training_set, mix=(kind, 1.0))
    drawn = list(batches(made, 20))
    targets = torch.cat([soft for _, soft, _ in drawn])
    torch.testing.assert_close(targets.sum(1), torch.ones(len(targets)))
    assert ((targets > 0.01).sum(1) <= 2).all()
    assert ((targets > 0.2).sum(1) == 2).any()


def test_a_schedule_decides_which_rows_a_batch_is_drawn_from(training_set: TrainingSet) -> None:
    marked = replace(
        training_set,
        pixels=np.where(training_set.labels[:, None, None, None] < 5, 255, 0)
        .astype(np.uint8)
        .repeat(8, 2)
        .repeat(8, 3),
        synthetic=training_set.labels < 5,
        schedule="first",
        first=0.5,
    )
    means = [float(x.mean()) for x, _, _ in batches(marked, 10)]
    assert means == [1.0] * 5 + [-1.0] * 5
