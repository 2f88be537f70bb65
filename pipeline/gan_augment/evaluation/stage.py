"""Evaluate: do the synthetic images help? Repeats, metrics and the verdict, as data."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from gan_augment import mapped, spreadsheet, table
from gan_augment.embed import backbones
from gan_augment.evaluation import cells, outcomes, tuning, views
from gan_augment.evaluation.arms import ARMS, CLASSIC, extent, transforms, without_additions
from gan_augment.evaluation.classifiers import STAND_INS, classifier
from gan_augment.evaluation.embedding import Embedder, Pictures
from gan_augment.evaluation.fitting import fitting
from gan_augment.evaluation.recipes import recipes
from gan_augment.evaluation.seal import open_test
from gan_augment.evaluation.sets import Drawn
from gan_augment.evaluation.training_set import Extent, Pretrained, Views
from gan_augment.evaluation.verdict import verdicts
from gan_augment.gan import model
from gan_augment.params import EvaluateParams, Space
from gan_augment.recipe import of
from gan_augment.storage import replace_file, write_json
from gan_augment.subsample import MOST_ROWS
from gan_augment.table import FeatureSpace, Images
from gan_augment.temporary import scratch_of

GAIN = {"gain": "mean", "low": "low", "high": "high"}
COLUMNS = ("repeat", "classifier", "arm", "split", "metric", "class", "value")


def run(
    params: EvaluateParams,
    inputs: Mapping[str, Path],
    outputs: Mapping[str, Path],
    weights: Path | None = None,
    space: Space = "auto",
) -> None:
    """Compare all arms over paired repeats and write down what came out.

    Args:
        params: the section `evaluate`.
        inputs: `real`, `synthetic` and `draws`, image tables; `features`, what a backbone sees in
            the real images, if any did; `model`; `ingest`, the report of
            ingestion, which holds the seal of the test split.
        outputs: `outcomes` (Parquet), `repeats`, `arms` and `lifts` (CSV), `metrics` and `verdict`
            (JSON); `scratch`, where finished cells are kept until all are done.
        weights: the file with the weights of the backbone, where they came from one.
        space: `generate.space`, what arms are made of.

    Raises:
        UserError: inputs that do not belong together, a test split that was tampered with, or a
            backbone that cannot be had where arms need it.
    """
    trained, counts = model.load(inputs["model"]), table.counts(inputs["synthetic"])
    samples, embedded = table.samples(inputs, space), table.embedded(inputs)
    known = {
        split: mapped.read(samples, split, outputs["scratch"]) for split in ("train", "validation")
    }
    seen_by = table.space(embedded) if embedded else None
    compared = _compared(params, known["train"], counts, seen_by)
    size = extent(len(known["train"]), int(counts.sum()), compared)
    _told(size, compared)
    synthetic, drawn = (inputs[name].resolve() for name in ("synthetic", "draws"))
    sets = Drawn(known["train"], trained, synthetic, drawn, compared)
    sets.check()
    made_of = _made_of(inputs, trained, seen_by)
    about = *made_of.values(), repr(seen_by)
    with scratch_of(outputs["scratch"], cells.fingerprint(compared, *about)) as scratch:
        count = len(known["train"])
        seen = _views(compared, inputs["real"], count, size, seen_by, weights, scratch)
        backbone: cells.Backbone | None
        if samples == embedded:
            sets = replace(sets, views=seen)
            backbone = _pictures(compared, inputs["real"], seen_by, weights)
        else:
            backbone = _embedder(compared, embedded, size, seen_by, weights, seen)
        choices = tuning.choose(sets, known["validation"], compared, scratch, backbone)
        test = open_test(samples, inputs["ingest"] / "seal.json", known)
        if backbone and embedded:
            sealed = inputs["real"] if isinstance(backbone, Pictures) else embedded
            backbone = backbone.knowing("test", table.read(sealed, "test"))
        judged = {"validation": known["validation"], "test": test}
        rows, hits = cells.compute(sets, judged, compared, choices, scratch, backbone)
        told = outcomes.table(hits, judged)
        verdict = {
            **_verdict(told, choices, params, known["train"], counts, seen_by),
            "kinds": {name: ARMS[name].kind for name in compared.arms},
            "settings": params.model_dump(mode="json"),
            "provenance": {
                **made_of,
                "sealed test split": table.table_hash(inputs["real"], "test"),
            },
        }
        _write(outputs, told, rows, verdict)
    _conclude(verdict)


def _compared(
    params: EvaluateParams, train: Images, counts: NDArray[np.int64], seen_by: FeatureSpace | None
) -> EvaluateParams:
    """Return the section with the arms that can be compared; tell what is not as asked for.

    Args:
        params: the section.
        train: the real training samples.
        counts: synthetic samples of each class.
        seen_by: whose features estimators see, if a backbone looks at the images.
    """
    compared = fitting(params, train.space, seen_by)
    return compared if counts.any() else _without_additions(compared)


def _verdict(
    told: pa.Table,
    choices: cells.Choices,
    params: EvaluateParams,
    train: Images,
    counts: NDArray[np.int64],
    seen_by: FeatureSpace | None,
) -> dict[str, Any]:
    """Return what came of the arms, how to follow each, and what validation chose for it.

    Args:
        told: the outcomes.
        choices: what validation chose.
        params: the section as it was written.
        train: the real training samples.
        counts: synthetic samples of each class.
        seen_by: as of `_compared`.
    """
    validation, test = (outcomes.of_split(told, split) for split in ("validation", "test"))
    planned = dict(zip(train.classes, counts.tolist(), strict=True))
    filled = [name for name, added in planned.items() if added]
    return {
        **verdicts(validation, test, params.min_gain, filled, classes=train.classes),
        **recipes(validation, test, choices, params, train, planned, seen_by),
        "choices": choices,
    }


def _conclude(verdict: dict[str, Any]) -> None:
    """Say what came out."""
    overall, recipe = verdict["overall"], of(verdict).sentence
    best = f"Best recipe on validation is {recipe}"
    for sentence in (overall["sentence"], *overall["cautions"], best):
        print(f"evaluate: {sentence}")


def _made_of(
    inputs: Mapping[str, Path], trained: model.Model, seen_by: FeatureSpace | None
) -> dict[str, str]:
    """Return the hash of each thing that goes into an evaluation, by what it is called there."""
    return {
        "real images": table.table_hash(inputs["real"]),
        "synthetic images": table.table_hash(inputs["synthetic"]),
        "other draws of them": table.table_hash(inputs["draws"]),
        "generator": trained.hash,
        **({"backbone": f"{seen_by.backbone} {seen_by.hash}"} if seen_by else {}),
    }


def _write(
    outputs: Mapping[str, Path],
    told: pa.Table,
    rows: Sequence[cells.Row],
    verdict: dict[str, Any],
) -> None:
    """Write down what came out."""
    repeats = pd.DataFrame(rows, columns=list(COLUMNS))
    outcomes.write(outputs["outcomes"], told)
    _write_csv(outputs["repeats"], repeats)
    _write_csv(outputs["arms"], _arm_means(repeats))
    _write_csv(outputs["lifts"], _lifts(verdict))
    write_json(outputs["metrics"], _metrics(verdict))
    write_json(outputs["verdict"], verdict)


def _told(size: Extent, params: EvaluateParams) -> None:
    """Say which classifiers are replaced where training rows are very many."""
    others = [name for name in params.classifiers if name in STAND_INS]
    if size.most > MOST_ROWS and others:
        instead = "; ".join(f"{name} is replaced by {STAND_INS[name]}" for name in others)
        print(
            f"evaluate: arms have up to {size.most} rows, copies included, more than {MOST_ROWS}; "
            f"in all arms {instead}",
            flush=True,
        )


def _without_additions(params: EvaluateParams) -> EvaluateParams:
    """Return the section without the arms that would add images, where there are none to add."""
    arms = without_additions(params.arms)
    left_out = ", ".join(arm for arm in params.arms if arm not in arms)
    print(f"evaluate: no synthetic image was made: without {left_out}", flush=True)
    return params.model_copy(update={"arms": arms})


def _embedder(
    params: EvaluateParams,
    embedded: Path | None,
    size: Extent,
    space: FeatureSpace | None,
    weights: Path | None,
    seen: Views | None,
) -> Embedder | None:
    """Return what estimators see images through, if a backbone; it knows what it may so far."""
    if space is None or embedded is None:
        return None
    backbones.of_space(space, weights)  # refused here, before any worker starts
    print(f"evaluate: estimators see images through {space.backbone}", flush=True)
    nothing = np.zeros(0, np.str_), np.zeros((0, space.width), np.float32)
    known = {split: table.read(embedded, split) for split in ("train", "validation")}
    start = Embedder(space, weights, *nothing, seen, views.each(size), params.seed)
    for split, features in known.items():
        start = start.knowing(split, features)
    return start


def _pictures(
    params: EvaluateParams, real: Path, space: FeatureSpace | None, weights: Path | None
) -> Pictures | None:
    """Return the images behind features, if a classifier learns from them."""
    if space is None or not any(classifier(name).pretrained for name in params.classifiers):
        return None
    backbones.of_space(space, weights)  # refused here, before any worker starts
    start = Pictures(Pretrained(space, weights), {})
    for split in ("train", "validation"):
        start = start.knowing(split, table.read(real, split))
    return start


def _views(
    params: EvaluateParams,
    real: Path,
    count: int,
    size: Extent,
    space: FeatureSpace | None,
    weights: Path | None,
    scratch: Path,
) -> Views | None:
    """Return the views that arms need of the `count` training images, if a backbone sees these."""
    if space is None or not any(transforms(arm) for arm in params.arms):
        return None
    policies: tuple[str, ...] = (params.classic.policy,)
    if CLASSIC in params.arms and params.tuning_repeats:  # whose choice the others take
        policies = views.POLICIES
    images = real.resolve()  # workers may be elsewhere
    shown = table.table_hash(images, "train")
    looked = views.Look(images, shown, space, weights, params.classic, params.seed)
    return views.build(looked, count, views.each(size), policies, scratch / "views")


def _arm_means(repeats: pd.DataFrame) -> pd.DataFrame:
    """Return the mean test score of each arm and classifier, for plots."""
    here = repeats[(repeats["split"] == "test") & (repeats["class"] == "")]
    means = here.pivot_table("value", ["classifier", "arm"], "metric", sort=False)
    return means.reset_index()


def _lifts(found: dict[str, Any]) -> pd.DataFrame:
    """Return each arm's lift over real images alone in points, best first, for plots."""
    columns = ["mean", "low", "high", "p", "adjusted_p"]
    arms = found["overall"]["arms"]
    frame = pd.DataFrame(arms.values(), arms.keys(), columns)
    frame[["mean", "low", "high"]] *= 100
    ranked = frame.sort_values("mean", ascending=False, kind="stable")
    return ranked.rename(columns={"mean": "points"}).rename_axis("arm").reset_index()


def _metrics(found: dict[str, Any]) -> dict[str, Any]:
    """Return the few numbers that DVC shows and compares between revisions, in points.

    They are flat and have short names, so that `dvc metrics show` fits a terminal; the rest is in
    arms.csv and verdict.json.
    """
    overall = found["overall"]
    arms = {"real": "real", "plain": overall["alternative"], "gan": overall["gan_arm"]}
    shares = {name: overall["scores"][arm] for name, arm in arms.items() if arm}
    if overall["gan_arm"]:
        shares |= {name: overall["against_alternative"][key] for name, key in GAIN.items()}
    points = {name: round(100 * share, 2) for name, share in shares.items()}
    return {"verdict": overall["verdict"], **points}


def _write_csv(target: Path, frame: pd.DataFrame) -> None:
    with replace_file(target) as partial:
        spreadsheet.write(partial, frame, decimals=6)
