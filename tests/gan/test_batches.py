from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gan_augment.errors import UserError
from gan_augment.gan.augment import NUMBERS
from gan_augment.gan.batches import Batches, class_shares
from gan_augment.table import Images


def batches(
    images: Images, seed: int = 0, balance: float = 0.0, rank: int = 0, processes: int = 1
) -> Batches:
    return Batches(images, 40, 5, seed, torch.device("cpu"), balance, rank, processes)


def test_a_batch_depends_on_seed_and_number_alone(train_images: Images) -> None:
    first, second = batches(train_images), batches(train_images)
    first[0], first[1]
    for a, b in zip(first[7], second[7], strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(first[7].real, first[8].real)
    assert not torch.equal(first[7].z, batches(train_images, seed=1)[7].z)


def test_classes_come_in_their_shares(train_images: Images) -> None:
    assert torch.bincount(batches(train_images, balance=1.0)[3].labels).tolist() == [4] * 10
    counts = train_images.counts()
    for number in range(5):
        found = torch.bincount(batches(train_images)[number].labels, minlength=10).numpy()
        assert (np.abs(found - 40 * counts / counts.sum()) < 1).all()


def test_balance_goes_from_natural_shares_to_equal_ones() -> None:
    counts = np.array([100, 25])
    np.testing.assert_allclose(class_shares(counts, 0.0), [0.8, 0.2])
    np.testing.assert_allclose(class_shares(counts, 0.5), [2 / 3, 1 / 3])
    np.testing.assert_allclose(class_shares(counts, 1.0), [0.5, 0.5])


def test_labels_are_true(train_images: Images) -> None:
    batch = batches(train_images)[3]
    known = {
        (image.tobytes(), int(label))
        for image, label in zip(train_images.pixels, train_images.labels, strict=True)
    }
    assert batch.real.min() >= -1
    assert batch.real.max() <= 1
    for image, label in zip(((batch.real + 1) * 127.5).round().byte(), batch.labels, strict=True):
        assert (image.numpy().tobytes(), int(label)) in known


def test_images_that_are_mapped_from_a_file_come_in_the_same_batches(
    train_images: Images, tmp_path: Path
) -> None:
    np.save(tmp_path / "pixels.npy", train_images.pixels)
    mapped = replace(train_images, pixels=np.load(tmp_path / "pixels.npy", mmap_mode="r"))
    for a, b in zip(batches(train_images)[3], batches(mapped)[3], strict=True):
        assert torch.equal(a, b)


def test_shapes(train_images: Images) -> None:
    batch = batches(train_images)[0]
    assert batch.z.shape == (2, 40, 5)
    assert batch.uniform.shape == (2, 80, NUMBERS)
    assert batch.epsilon.shape == (40,)
    assert 0 <= batch.uniform.min() <= batch.uniform.max() < 1


def test_processes_share_the_rows_of_a_batch(train_images: Images) -> None:
    whole = batches(train_images)[5]
    parts = [batches(train_images, rank=rank, processes=2)[5] for rank in range(2)]
    assert torch.equal(whole.real, torch.cat([part.real for part in parts]))
    assert torch.equal(whole.labels, torch.cat([part.labels for part in parts]))
    assert torch.equal(whole.z, torch.cat([part.z for part in parts], dim=1))
    real_and_fake = [part.uniform.unflatten(1, (2, -1)) for part in parts]
    assert torch.equal(whole.uniform, torch.cat(real_and_fake, dim=2).flatten(1, 2))


def test_a_batch_that_does_not_divide_is_refused(train_images: Images) -> None:
    with pytest.raises(UserError, match="batch_size = 40 does not divide by 3 processes"):
        batches(train_images, processes=3)


def test_equal_classes_come_in_equal_parts(random_images) -> None:
    """Points are spread evenly over the batch: of 40, 20 fall on either half."""
    for classes, counts in ((1, [40]), (2, [20, 20]), (4, [10, 10, 10, 10])):
        found = Batches(random_images(12, classes), 40, 5, 0, torch.device("cpu"))
        for number in range(3):
            assert torch.bincount(found[number].labels).tolist() == counts


def test_shares_are_natural_unless_asked_for_otherwise(random_images) -> None:
    images = random_images(11)
    plain = Batches(images, 40, 5, 0, torch.device("cpu"))[0]
    assert torch.equal(plain.labels, batches(images, balance=0.0)[0].labels)
    assert not torch.equal(plain.labels, batches(images, balance=1.0)[0].labels)
