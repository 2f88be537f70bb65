"""How long does a study of six short replicates take here, by what GAN_AUGMENT_ENGINE names?

    python -m benchmarks.engine
    GAN_AUGMENT_ENGINE=ray python -m benchmarks.engine

Prints seconds, and a hash of the study, which is the same everywhere.
"""

import os
import tempfile
import time
from pathlib import Path

from gan_augment import params
from gan_augment.engine import ENGINE
from gan_augment.params import Params
from gan_augment.storage import digest
from gan_augment.study import study

REPLICATES = 6
SETTINGS = Path("params.yaml")


def short() -> Params:
    """Return the settings of the repository for a training of seconds, and a few classifiers."""
    shipped = params.load(SETTINGS)
    train = shipped.train.model_copy(update={"steps": 500, "eval_interval": 100})
    arms = {"arms": ("real", "smote", "gan"), "classifiers": ("k-nn", "logistic-regression")}
    evaluate = shipped.evaluate.model_copy(update={**arms, "tuning_repeats": 0})
    generate = shipped.generate.model_copy(update={"gates": ()})
    changed = {"train": train, "evaluate": evaluate, "generate": generate}
    return shipped.model_copy(update=changed)


def main() -> None:
    """Run the study, and print what it took."""
    with tempfile.TemporaryDirectory() as name:
        outputs = {"study": Path(name, "study"), "scratch": Path(name, "scratch")}
        began = time.perf_counter()
        study.run(short(), REPLICATES, outputs)
        took = time.perf_counter() - began
        files = sorted(outputs["study"].iterdir())
        print(f"{os.environ.get(ENGINE, 'local')}: {took:.0f} s, {digest(*files)}")


if __name__ == "__main__":
    main()
