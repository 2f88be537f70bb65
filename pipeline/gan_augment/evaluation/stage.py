"""Evaluate: do the synthetic images help? Repeats, metrics and the verdict, as data."""

import csv
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gan_augment import table
from gan_augment.errors import UserError
from gan_augment.evaluation import cells, tuning
from gan_augment.evaluation.arms import ARMS, MOST, Material
from gan_augment.evaluation.scores import BALANCED_ACCURACY
from gan_augment.evaluation.seal import open_test
from gan_augment.evaluation.verdict import verdicts
from gan_augment.gan import model
from gan_augment.params import EvaluateParams
from gan_augment.seeding import seed_of
from gan_augment.storage import replace_file, write_json
from gan_augment.table import Images

COLUMNS = ("repeat", "classifier", "arm", "split", "metric", "class", "value")


def run(params: EvaluateParams, inputs: Mapping[str, Path], outputs: Mapping[str, Path]) -> None:
    """Compare all arms over paired repeats and write down what came out.

    Args:
        params: the section `evaluate`.
        inputs: `real` and `synthetic`, image tables; `model`; `ingest`, the report of ingestion,
            which holds the seal of the test split.
        outputs: `repeats`, `arms` and `lifts` (CSV), `metrics` and `verdict` (JSON); `scratch`,
            where finished cells are kept until all are done.

    Raises:
        UserError: inputs that do not belong together, or a test split that was tampered with.
    """
    trained = model.load(inputs["model"])
    known = {split: table.read(inputs["real"], split) for split in ("train", "validation")}
    material = _material(params, known["train"], table.read(inputs["synthetic"]), trained)
    real, synthetic = (table.table_hash(inputs[name]) for name in ("real", "synthetic"))
    scratch = outputs["scratch"] / cells.fingerprint(params, real, synthetic, trained.hash)
    choices = tuning.choose(material, known["validation"], params, scratch)
    test = open_test(inputs["real"], inputs["ingest"] / "seal.json", known)
    judged = {"validation": known["validation"], "test": test}
    rows, hits = cells.compute(material, judged, params, choices, scratch)
    repeats = pd.DataFrame(rows, columns=list(COLUMNS))
    found = verdicts(repeats, params.min_gain, hits)

    _write_csv(outputs["repeats"], repeats)
    _write_csv(outputs["arms"], _arm_means(repeats))
    _write_csv(outputs["lifts"], _lifts(found))
    write_json(outputs["metrics"], _metrics(found, repeats))
    provenance = {
        "real images": real,
        "sealed test split": table.table_hash(inputs["real"], "test"),
        "synthetic images": synthetic,
        "generator": trained.hash,
    }
    described = {
        "choices": choices,
        "kinds": {name: ARMS[name].kind for name in params.arms},
        "settings": params.model_dump(mode="json"),
        "provenance": provenance,
    }
    write_json(outputs["verdict"], {**found, **described})
    shutil.rmtree(scratch, ignore_errors=True)
    print(f"evaluate: {found['overall']['sentence']}")


def _material(
    params: EvaluateParams, real: Images, synthetic: Images, trained: model.Model
) -> Material:
    made = (trained.shape.channels, *trained.shape.size)
    if trained.classes != real.classes or made != real.pixels.shape[1:]:
        raise UserError(
            "the generator was trained on other classes or sizes: run `dvc repro train`"
        )
    if len(synthetic) and set(synthetic.rows["generator"].dropna()) - {trained.hash}:
        raise UserError("data/synthetic is of another generator: run `dvc repro generate`")
    # Enough to stand in for the real ones, and for the largest ratio that validation may choose.
    counts = np.maximum(real.counts(), MOST * synthetic.counts())
    seed = seed_of(params.seed, "stand-in")
    drawn = [trained.draw(label, range(count), seed) for label, count in enumerate(counts.tolist())]
    labels = np.repeat(np.arange(len(real.classes)), counts)
    raw = Images(
        np.concatenate(drawn), labels, real.classes, pd.DataFrame(index=range(len(labels)))
    )
    return Material(real, synthetic, raw, params.classic)


def _arm_means(repeats: pd.DataFrame) -> pd.DataFrame:
    """Return the mean test score of each arm and classifier, for plots."""
    here = repeats[(repeats["split"] == "test") & (repeats["class"] == "")]
    means = here.pivot_table("value", ["classifier", "arm"], "metric", sort=False)
    return means.reset_index()


def _lifts(found: dict[str, Any]) -> pd.DataFrame:
    """Return each arm's lift over real images alone in points, best first, for plots."""
    frame = pd.DataFrame.from_dict(found["overall"]["arms"], orient="index")
    frame[["mean", "low", "high"]] *= 100
    ranked = frame.sort_values("mean", ascending=False, kind="stable")
    return ranked.rename(columns={"mean": "points"}).rename_axis("arm").reset_index()


def _metrics(found: dict[str, Any], repeats: pd.DataFrame) -> dict[str, Any]:
    """Return the numbers that DVC shows and compares between revisions."""
    overall = found["overall"]
    scores = _arm_means(repeats).set_index("arm").groupby("classifier", sort=False)
    return {
        "verdict": overall["verdict"],
        "gan_arm": overall["gan_arm"],
        "alternative": overall["alternative"],
        "against_alternative": overall["against_alternative"],
        "against_real": overall["against_real"],
        BALANCED_ACCURACY: overall["scores"],
        **{str(name): part[BALANCED_ACCURACY].to_dict() for name, part in scores},
    }


def _write_csv(target: Path, frame: pd.DataFrame) -> None:
    with replace_file(target) as partial:
        frame.to_csv(
            partial,
            index=False,
            lineterminator="\n",
            quoting=csv.QUOTE_MINIMAL,
            float_format="%.6f",
        )
