"""What is on record about a version: where its data is, its counts, verdict and metrics."""

import json
from pathlib import Path
from typing import Any

import yaml

from gan_augment.errors import UserError, hint, reason
from gan_augment.storage import read_record
from gan_augment.versions import gate
from gan_augment.versions.origin import made_by

METRICS = Path("reports/metrics.json")
FIDELITY = Path("reports/synthesis/fidelity.json")
WITH = "published_with"
"""Key of an artifact's `meta` in dvc.yaml: the artifact whose versions it shares."""


def path(artifact: str) -> str:
    """Return the record's path in a published commit, from the project's folder."""
    return f"published/{artifact}.json"


def data(dvc_yaml: str, dvc_lock: str, artifact: str) -> dict[str, str]:
    """Return `path` and `md5` of an artifact, from the contents of dvc.yaml and dvc.lock.

    Raises:
        UserError: dvc.yaml declares no such artifact, or it is not built.
    """
    declared = artifacts(dvc_yaml)
    if artifact not in declared:
        allowed = hint(artifact, declared)
        raise UserError(f"artifact {artifact!r}: not among the artifacts of dvc.yaml; {allowed}")
    place = declared[artifact]["path"]
    stages = ((yaml.safe_load(dvc_lock) or {}).get("stages") or {}).values()
    built = {out["path"]: out["md5"] for stage in stages for out in stage.get("outs", [])}
    if place not in built:
        raise UserError(f"{place} is not in dvc.lock: run `dvc repro`")
    return {"path": place, "md5": built[place]}


def artifacts(dvc_yaml: str) -> dict[str, Any]:
    """Return what the content of dvc.yaml declares of artifacts, by name."""
    return (yaml.safe_load(dvc_yaml) or {}).get("artifacts") or {}


def describe(root: Path, artifact: str, override: str | None) -> dict[str, Any]:
    """Return what goes on record about the artifact that is built in `root`.

    Raises:
        UserError: dvc.yaml declares no such artifact, or it is not built, or it shares the versions
            of another.
    """
    files = (root / "dvc.yaml", root / "dvc.lock")
    declared, built = (file.read_text() if file.exists() else "" for file in files)
    found = data(declared, built, artifact)
    shared = {n: (about.get("meta") or {}).get(WITH) for n, about in artifacts(declared).items()}
    if leader := shared[artifact]:
        raise UserError(f"{artifact} is published with {leader}: publish that")
    verdict = read_record(root / gate.VERDICT, "overall")["overall"]
    decision, known = gate.decision(root), (root / FIDELITY).exists()
    fidelity = read_record(root / FIDELITY, "overall")["overall"] if known else {}
    return {
        "data": found,
        "with": {n: data(declared, built, n) for n, leader in shared.items() if leader == artifact},
        "code": made_by(root),
        **_counts(root / found["path"]),
        "verdict": verdict["verdict"],
        "sentence": verdict.get("sentence", ""),
        "recipe": decision.arm,
        "synthetic": decision.method,
        "override": override,
        "metrics": read_record(root / METRICS) if (root / METRICS).exists() else {},
        "fidelity": fidelity,
    }


def parse(text: str | bytes, where: str) -> dict[str, Any]:
    """Return a record that was published; nothing for an empty one.

    Raises:
        UserError: it is no JSON object; `where` names the version.
    """
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        raise UserError(f"the record of {where} is damaged: {reason(error)}") from None
    if not isinstance(found, dict):
        raise UserError(f"the record of {where} is damaged: no JSON object")
    return found


def of_shared(about: dict[str, Any], artifact: str) -> dict[str, Any]:
    """Return what goes on record about an artifact that shares the version that `about` is on."""
    rest = {key: value for key, value in about.items() if key != "with"}
    return {**rest, "data": about["with"][artifact]}


def _counts(folder: Path) -> dict[str, Any]:
    """Return the classes, and split → origin → images of each class; nothing if no image table."""
    from gan_augment import table

    if not any(folder.glob("*.parquet")):
        return {}
    columns = ["split", "origin", "label"]
    rows = table.Rows(table.shards(folder)).columns(columns).to_pandas()
    classes = table.class_names(folder)
    counts: dict[str, dict[str, list[int]]] = {}
    for (split, origin), part in rows.groupby(["split", "origin"], sort=False):
        labels = part["label"].value_counts()
        counts.setdefault(split, {})[origin] = [
            int(labels.get(label, 0)) for label in range(len(classes))
        ]
    return {"classes": list(classes), "counts": counts}
