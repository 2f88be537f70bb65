"""Does the GAN help? Studies on real images: everything six times from other seeds.

    python -m benchmarks.studies                      # those that are not finished, one by one
    python -m benchmarks.studies digits-20 trash-64   # these
    python -m benchmarks.studies --table              # what is finished, as Markdown

Each is `gan-augment study` with `params.yaml`, changed as `STUDIES` says. Results are kept in
`.scratch/benchmarks/studies/NAME`; a killed study goes on where it was. A replicate takes two to
seven minutes, one by `auto` half an hour, and there is one a core at once. The images are in the
folder that GAN_AUGMENT_DATASETS names.
"""

import argparse
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from benchmarks import script
from benchmarks.datasets import FOLDER
from benchmarks.race import SCRATCH
from gan_augment.evaluation.statistics import points
from gan_augment.params import Params
from gan_augment.storage import read_json
from gan_augment.study import study

ROOT = Path(__file__).parents[1]
REPLICATES = 6
RESULTS = SCRATCH / "studies"

TRASH = ["cardboard", "glass", "metal", "paper", "plastic", "trash"]
FASHION = ["t-shirt", "trouser", "pullover", "dress", "coat"]
FASHION += ["sandal", "shirt", "sneaker", "bag", "boot"]
PROFILE = dict(zip(FASHION, (4166, 73, 139, 210, 287, 370, 422, 387, 545, 651), strict=True))
LEVEL = 651
UP_TO_LEVEL = {"plan": {"classes": {c: LEVEL - n for c, n in PROFILE.items() if n < LEVEL}}}
PROFILE_SPLIT = {"limit": 5200, "split": {"train": 0.75, "validation": 0.05, "test": 0.2}}

SIMPLE = ["real", "class-weights", "oversample", "smote", "gmm"]
ON_CLASSIC = ["smote+classic", "gmm+classic", "gmm+smote+classic"]
GAN_ON_CLASSIC = ["gan+classic", "gan+gmm+classic", "gan+smote+classic"]
CONTROLS = ["placebo", "synthetic-only"]
ESTIMATORS = {
    "arms": [*SIMPLE, "classic", *ON_CLASSIC, "gan", "gan+gmm", *GAN_ON_CLASSIC, *CONTROLS],
    "classifiers": ["logistic-regression", "k-nn", "rbf-svm"],
}
NETWORKS = {
    "arms": [
        *("real", "class-weights", "oversample", "classic", "mixup", "cutmix"),
        *("smote+classic", "gmm+classic", "gan", *GAN_ON_CLASSIC),
        *("gan-soft", "gan-fresh", "gan-first", *CONTROLS),
    ],
    "classifiers": ["cnn"],
    "steps": 500,
}
RESIDUAL = {
    "arms": [
        *("real", "class-weights", "classic", "mixup", "cutmix", "gmm+classic"),
        *("gan", "gan+classic", "gan+mixup", "gan+cutmix"),
        *("gan-soft", "gan-fresh", "gan-first", "placebo"),
    ],
    "classifiers": ["resnet"],
    "steps": 2000,
}
LARGE = {
    **ESTIMATORS,
    "arms": [
        *("real", "class-weights", "smote", "gmm", "classic", "gmm+classic"),
        *("gan", "gan+gmm", "gan+classic", "placebo"),
    ],
}
EVERY = {
    "arms": [
        *SIMPLE,
        *("classic", "mixup", "cutmix", "smote+classic", "gmm+classic"),
        *("gan", "gan+gmm", *GAN_ON_CLASSIC, "gan-soft", "gan-fresh", "gan-first"),
        *CONTROLS,
    ],
    "classifiers": [*ESTIMATORS["classifiers"], "cnn"],
    "steps": 1000,
}
ON_FEATURES = {
    "arms": [
        *("real", "class-weights", "oversample", "smote", "gmm", "gaussian"),
        *("classic", "smote+classic", "gmm+classic"),
        *("gan", "gan+smote", "gan+gaussian", "gan+classic", "gan+smote+classic"),
        *CONTROLS,
    ],
    "classifiers": ["logistic-regression", "k-nn", "rbf-svm", "mlp"],
}
WITH_MIXTURE = {
    **ON_FEATURES,
    "arms": [*ON_FEATURES["arms"][:-2], "gan+gmm", "gan+gmm+classic", *CONTROLS],
}
FEW = ["real", "oversample", "smote", "gmm", "classic", "gan", "gan+gmm", "gan+classic"]
UNTUNED = {"tuning_repeats": 0}
BY_DEFAULT = {"network": "auto"}
"""`mlp` and `resnet`, of which validation keeps one."""
PARTS = ("split", "classic")
"""What a study changes a part of; all else it replaces."""
TWICE = {"plan": {"fill": 2}}


EVEN_200 = {name: 20 if n % 2 else 200 for n, name in enumerate(FASHION)}


Changes = Mapping[str, Mapping[str, Any]]
"""Section → key → value, instead of what is in `params.yaml`."""


class Study(NamedTuple):
    """A study: what it is of, and what it changes in `params.yaml`."""

    title: str
    changes: Changes


def _digits(scarce: int, generate: Mapping[str, Any], evaluate: Mapping[str, Any]) -> Any:
    scarcity = dict.fromkeys("13579", scarce)
    return {"ingest": {"scarcity": scarcity}, "generate": generate, "evaluate": evaluate}


def _fashion(
    scarcity: Mapping[str, int], evaluate: Mapping[str, Any] = ESTIMATORS, **changes: Any
) -> Any:
    """Return what suits Fashion-MNIST: t10k is the test split, and clothes may be mirrored."""
    folder = Path(os.environ.get(FOLDER, "")) / "fashion-mnist"
    source = {"source": "idx", "path": folder, "class_names": FASHION, "limit": 1500}
    return {
        "ingest": {**source, "scarcity": scarcity, **changes.get("ingest", {})},
        "embed": changes.get("embed", {}),
        "train": {"network": "mlp", **changes.get("train", {"steps": 3000})},
        "generate": changes.get("generate", TWICE),
        "evaluate": {**evaluate, **UNTUNED, "classic": {"flip": True}},
    }


def _trash(
    scarce: Collection[str],
    each: int,
    generate: Mapping[str, Any],
    evaluate: Mapping[str, Any],
    seed: int = 0,
) -> Any:
    """Return what suits TrashNet's photographs, seen through the built-in backbone."""
    return {
        "ingest": {
            "seed": seed,
            "source": "folder",
            "path": Path(os.environ.get(FOLDER, "")) / "trashnet-150",
            "scarcity": dict.fromkeys(scarce, each),
        },
        "embed": {"backbone": "efficientnet-lite0"},
        "generate": generate,
        "evaluate": {**ON_FEATURES, "classic": {"flip": True}, **evaluate},
    }


STUDIES: dict[str, Study] = {
    "digits-20": Study("digits, 20 in the odd classes", _digits(20, TWICE, ESTIMATORS)),
    "digits-20-short": Study(
        "digits, 20 in the odd classes, 1,000 steps, untuned",
        {
            **_digits(20, TWICE, {**ESTIMATORS, "arms": FEW, **UNTUNED}),
            "train": {"steps": 1000},
        },
    ),
    "digits-8": Study(
        "digits, 8 in the odd classes", _digits(8, {**TWICE, "min_real": 8}, ESTIMATORS)
    ),
    "digits-20-cnn": Study(
        "digits, 20 in the odd classes, by networks", _digits(20, TWICE, {**NETWORKS, **UNTUNED})
    ),
    "fashion-200-20": Study(
        "Fashion-MNIST, 200/20",
        _fashion(EVEN_200, train={}),
    ),
    "fashion-200-20-auto": Study(
        "Fashion-MNIST, 200/20, by `auto`", _fashion(EVEN_200, EVERY, train=BY_DEFAULT)
    ),
    "fashion-200-20-resnet": Study(
        "Fashion-MNIST, 200/20, by `auto`, judged by a residual network",
        _fashion(EVEN_200, RESIDUAL, train=BY_DEFAULT),
    ),
    **{
        f"fashion-{n}": Study(
            f"Fashion-MNIST, {n} a class", _fashion(dict.fromkeys(FASHION, n), arms)
        )
        for n, arms in ((50, ESTIMATORS), (100, LARGE), (200, LARGE))
    },
    **{
        f"fashion-{n}-auto": Study(
            f"Fashion-MNIST, {n} a class, by `auto`",
            _fashion(dict.fromkeys(FASHION, n), EVERY, train=BY_DEFAULT),
        )
        for n in (50, 100, 200)
    },
    "fashion-profile": Study(
        "Fashion-MNIST, 4,166 to 73 a class",
        _fashion(
            PROFILE,
            LARGE,
            ingest=PROFILE_SPLIT,
            generate=UP_TO_LEVEL,
        ),
    ),
    "fashion-profile-auto": Study(
        "Fashion-MNIST, 4,166 to 73 a class, by `auto`",
        _fashion(PROFILE, EVERY, ingest=PROFILE_SPLIT, train=BY_DEFAULT, generate=UP_TO_LEVEL),
    ),
    "trash-64": Study(
        "TrashNet at 64 pixels, 40 in three classes",
        {
            "ingest": {
                "source": "folder",
                "path": Path(os.environ.get(FOLDER, "")) / "trashnet-150",
                "image_size": 64,
                "scarcity": dict.fromkeys(("cardboard", "metal", "trash"), 40),
            },
            "train": {"network": "mlp", "steps": 1000},
            "evaluate": {
                **LARGE,
                **UNTUNED,
                "classic": {"flip": True, "degrees": 20.0},
            },
        },
    ),
    "trash-40": Study(
        "TrashNet at 150 pixels through a backbone, 40 in three classes",
        _trash(("cardboard", "metal", "trash"), 40, {"plan": "fill"}, UNTUNED),
    ),
    "trash-40-others": Study(
        "TrashNet at 150 pixels through a backbone, 40 in the three other classes",
        _trash(("glass", "paper", "plastic"), 40, {"plan": "fill"}, {**WITH_MIXTURE, **UNTUNED}),
    ),
    **{
        f"{name}-lift": Study(
            f"{title}, the GAN's start chosen by lift, other splits",
            _trash(scarce, each, generate, {**WITH_MIXTURE, **UNTUNED}, seed=1),
        )
        for name, title, scarce, each, generate in (
            (
                "trash-40",
                "TrashNet at 150 pixels through a backbone, 40 in three classes",
                *(("cardboard", "metal", "trash"), 40, {"plan": "fill"}),
            ),
            (
                "trash-40-others",
                "TrashNet at 150 pixels through a backbone, 40 in the three other classes",
                *(("glass", "paper", "plastic"), 40, {"plan": "fill"}),
            ),
            *(
                (
                    f"trash-{n}-all",
                    f"TrashNet at 150 pixels through a backbone, {n} a class",
                    *(TRASH, n, TWICE),
                )
                for n in (20, 40, 80)
            ),
        )
    },
    **{
        f"trash-{n}-all": Study(
            f"TrashNet at 150 pixels through a backbone, {n} a class",
            _trash(TRASH, n, TWICE, UNTUNED),
        )
        for n in (20, 40, 80)
    },
    "fashion-100-features": Study(
        "Fashion-MNIST through a backbone, 100 a class",
        _fashion(
            dict.fromkeys(FASHION, 100),
            ON_FEATURES,
            ingest={"limit": 600},
            embed={"backbone": "efficientnet-lite0"},
            train={"network": "auto"},
        ),
    ),
}


def main(arguments: Sequence[str] | None = None) -> None:
    options = asked("studies", STUDIES, arguments)
    for name in [] if options.table else options.names:
        if not (RESULTS / name).exists():
            print(f"studies: {name}", flush=True)
            outputs = {"study": RESULTS / name, "scratch": SCRATCH / "study"}
            study.run(params(name), REPLICATES, outputs)
    print(table())


def asked(
    benchmark: str, known: Collection[str], arguments: Sequence[str] | None
) -> argparse.Namespace:
    """Return which of the known are asked for, `names`, and whether only the `table` of them is."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{benchmark}")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    parser.add_argument("--table", action="store_true", help="of what is finished")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(known):
        parser.error(f"no such name: {', '.join(sorted(unknown))}")
    options.names = options.names or list(known)
    return options


def params(name: str, changes: Changes | None = None) -> Params:
    """Return the params of a study, with other changes on top."""
    settings = yaml.safe_load((ROOT / "params.yaml").read_text())
    for layer in (STUDIES[name].changes, changes or {}):
        for section, values in layer.items():
            for key, value in values.items():
                before = settings[section][key]
                settings[section][key] = {**before, **value} if key in PARTS else value
    return Params.model_validate(settings)


def table() -> str:
    """Return the verdicts of finished studies as Markdown, a line a classifier."""
    lines = [
        "| images | judged by | real | best with the GAN | best without | difference | verdict |",
        "|---|---|---:|---|---|---:|---|",
    ]
    for name, one in STUDIES.items():
        if (RESULTS / name).exists():
            lines += _lines(one.title, read_json(RESULTS / name / "verdict.json"))
    return "\n".join(lines)


def _lines(title: str, found: Mapping[str, Any]) -> list[str]:
    replicates = found["replicates"]
    passed = sum(one["memorisation_passed"] is True for one in replicates)
    known = f"{title}; free of copies {passed} of {len(replicates)}"
    judges = {"mean": found["overall"], **found["classifiers"]}
    if len(judges) == 2:  # the mean over one classifier is that classifier
        judges.popitem()
    return [
        _line(name, judge, known if n == 0 else "")
        for n, (name, judge) in enumerate(judges.items())
    ]


def _line(name: str, judge: Mapping[str, Any], title: str) -> str:
    against = points(judge["against_alternative"], unit="")
    lifts = [
        f"{judge[key]} {100 * (judge['scores'][judge[key]] - judge['scores']['real']):+.1f}"
        for key in ("gan_arm", "alternative")
    ]
    real = f"{100 * judge['scores']['real']:.1f}"
    return f"| {title} | {name} | {real} | {' | '.join(lifts)} | {against} | {judge['verdict']} |"


if __name__ == "__main__":
    script.run(main)
