"""Gates that look through a second backbone."""

from dataclasses import replace

import numpy as np
import pytest

from gan_augment.embed import backbones
from gan_augment.synthesis.gates.agreement import agreement
from gan_augment.synthesis.gates.evidence import Evidence
from gan_augment.synthesis.gates.second import SecondBackbone, other_than
from gan_augment.table import FeatureSpace, Images

JUDGING = FeatureSpace("efficientnet-lite0", "0" * 16, 1280, (32, 32))


def some(images: Images, each: int) -> Images:
    """Return the first images of each class."""
    rows = np.concatenate([np.flatnonzero(images.labels == y)[:each] for y in range(10)])
    return images.select(rows)


@pytest.fixture(scope="module")
def second() -> SecondBackbone:
    found = other_than(JUDGING)
    assert found is not None
    return found


def test_it_is_a_built_in_one_that_does_not_judge(
    second: SecondBackbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (second.space.backbone, second.space.size) == ("efficientnet-lite1", (32, 32))
    other = other_than(replace(JUDGING, backbone="resnet18"))
    assert other is not None
    assert other.space.backbone == "efficientnet-lite0"
    monkeypatch.setattr(backbones, "at_hand", lambda name: name == "efficientnet-lite0")
    assert other_than(JUDGING) is None


def test_the_gates_classifiers_see_its_features(
    second: SecondBackbone, evidence: Evidence, splits: dict[str, Images]
) -> None:
    few = {split: some(splits[split], 12) for split in ("train", "validation")}
    through = replace(evidence, second=second, **few)
    pixels, labels = splits["test"].pixels[:70], splits["test"].labels[:70]
    (first, *_) = through.ensemble.members
    seen = first(second(pixels)).values
    np.testing.assert_allclose(through.ensemble(pixels).values[:, : seen.shape[1]], seen)
    assert (through.ensemble(pixels).probabilities.argmax(1) == labels).mean() > 0.4
    gate = agreement(through)
    assert second.space.hash in gate.sight.judge
    assert second(pixels[:0]).shape == (0, 1280)
