"""Settings that make a whole pipeline run in seconds."""

import pytest

from gan_augment.params import Params


@pytest.fixture(scope="module")
def quick(settings: Params) -> Params:
    small = {"steps": 40, "width": 32, "eval_interval": 20, "checkpoint_interval": 20}
    evaluate = {
        "arms": ("real", "smote", "gan"),
        "classifiers": ("k-nn",),
        "repeats": 6,
        "tuning_repeats": 0,
    }
    return settings.model_copy(
        update={
            "train": settings.train.model_copy(update=small),
            "generate": settings.generate.model_copy(update={"gates": ()}),
            "evaluate": settings.evaluate.model_copy(update=evaluate),
        }
    )
