import torch

from pipeline.gan.batches import Batches
from pipeline.table import Images


def batches(images: Images, seed: int = 0) -> Batches:
    return Batches(images, 40, 5, seed, torch.device("cpu"))


def test_a_batch_depends_on_seed_and_step_alone(train_images: Images) -> None:
    first, second = batches(train_images), batches(train_images)
    first[0], first[1]
    for a, b in zip(first[7], second[7], strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(first[7].real, first[8].real)
    assert not torch.equal(first[7].z, batches(train_images, seed=1)[7].z)


def test_classes_are_balanced_and_labels_true(train_images: Images) -> None:
    batch = batches(train_images)[3]
    assert torch.bincount(batch.labels).tolist() == [4] * 10
    known = {
        (image.tobytes(), int(label))
        for image, label in zip(train_images.pixels, train_images.labels, strict=True)
    }
    assert batch.real.min() >= -1
    assert batch.real.max() <= 1
    for image, label in zip(((batch.real + 1) * 127.5).round().byte(), batch.labels, strict=True):
        assert (image.numpy().tobytes(), int(label)) in known
