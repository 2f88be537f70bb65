import json
from functools import partial

import numpy as np
import pytest

from gan_augment.engine.kept import store
from gan_augment.evaluation import tuning
from gan_augment.evaluation.arms import ARMS, Material, take, taken
from gan_augment.evaluation.cells import training_sets
from gan_augment.evaluation.sets import Sets
from gan_augment.params import ClassicParams, EvaluateParams
from gan_augment.table import Images

PARAMS = EvaluateParams(
    arms=("real", "placebo", "gan", "gan+classic", "classic", "mixup"),
    classifiers=("k-nn", "logistic-regression"),
)


@pytest.fixture(scope="module")
def material(train_images: Images) -> Material:
    """Return few real images of odd digits, and negatives in the place of synthetic ones."""
    few = taken(train_images.labels, np.where(np.arange(10) % 2, 3, 20), 1, 0)
    extra = taken(train_images.labels, np.where(np.arange(10) % 2, 17, 0), 1, 0)
    real, made = train_images.select(few), train_images.select(extra)
    wrong = Images(255 - made.pixels, made.labels, made.classes, made.rows)
    return Material(real, wrong, partial(take, wrong, ratio=1, seed=0), ClassicParams())


@pytest.fixture(scope="module")
def sets(material: Material) -> Sets:
    """Return the same material for every repeat and trial."""
    return ([material] * PARAMS.sets).__getitem__


def test_validation_refuses_what_harms(
    sets: Sets, train_images: Images, capsys: pytest.CaptureFixture[str]
) -> None:
    choices = tuning.choose(sets, train_images, PARAMS)
    assert list(choices) == list(PARAMS.arms)
    for name in PARAMS.classifiers:
        assert choices["real"][name] is None
        assert choices["gan"][name] in ARMS["gan"].options
        assert choices["classic"][name] in ARMS["classic"].options
    # Negatives of digits teach a linear classifier the wrong thing.
    assert choices["gan"]["logistic-regression"] in (0.125, 0.25)
    assert choices["mixup"] == {}
    assert "k-nn does not learn in steps: without mixup" in capsys.readouterr().out


def test_noise_is_as_much_as_the_gan_adds(sets: Sets, train_images: Images) -> None:
    """Else a GAN of which validation takes next to nothing would be better than noise."""
    arms = ("real", "placebo", "gan")
    tuned = PARAMS.model_copy(update={"arms": arms, "classifiers": ("logistic-regression",)})
    for params in (tuned, tuned.model_copy(update={"tuning_repeats": 0})):
        choices = tuning.choose(sets, train_images, params)
        assert choices["placebo"] == choices["gan"]
        make = [training_sets(sets(0), arm, params, 0) for arm in ("placebo", "gan")]
        counts = [
            np.bincount(one(choices[arm]["logistic-regression"], None).labels).tolist()
            for arm, one in zip(("placebo", "gan"), make, strict=True)
        ]
        assert counts[0] == counts[1]
    alone = tuned.model_copy(update={"arms": ("real", "placebo")})
    assert tuning.choose(sets, train_images, alone)["placebo"] == {"logistic-regression": None}


@pytest.mark.usefixtures("all_cores")
def test_trials_are_kept_and_decide_alone(
    sets: Sets, train_images: Images, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("trials")
    params = PARAMS.model_copy(update={"arms": ("real", "gan")})
    found = tuning.choose(sets, train_images, params, folder)
    (file,) = folder.glob("*.json")
    best = ARMS["gan"].options.index(0.5)
    scores = [0.5] * 6
    scores[best] = 0.9
    other = json.dumps({"k-nn": scores, "logistic-regression": scores})
    store(folder).write(file.name, other.encode())
    again = tuning.choose(sets, train_images, params, folder)
    assert again["gan"] == {"k-nn": 0.5, "logistic-regression": 0.5}
    assert found["real"] == again["real"]


def test_without_trials_every_arm_takes_its_first_option(sets: Sets, train_images: Images) -> None:
    params = PARAMS.model_copy(update={"tuning_repeats": 0})
    choices = tuning.choose(sets, train_images, params)
    assert choices["gan"] == {"k-nn": 1.0, "logistic-regression": 1.0}
    assert set(choices["classic"].values()) == {"affine"}
    classic = ClassicParams(policy="erasing")
    asked = tuning.choose(sets, train_images, params.model_copy(update={"classic": classic}))
    assert asked == {**choices, "classic": dict.fromkeys(PARAMS.classifiers, "erasing")}
