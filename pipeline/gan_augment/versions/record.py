"""What is on record about a version: where its data is, its counts, verdict and metrics."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, Field, ValidationError, model_validator

from gan_augment.errors import UserError, hint, reason, shortened
from gan_augment.storage import read_record
from gan_augment.versions import gate
from gan_augment.versions.origin import made_by

METRICS = Path("reports/metrics.json")
FIDELITY = Path("reports/synthesis/fidelity.json")
WITH = "published_with"
"""Key of an artifact's `meta` in dvc.yaml: the artifact whose versions it shares."""

Read = TypeVar("Read", bound=BaseModel)


class Artifact(BaseModel):
    """What dvc.yaml declares of an artifact, as far as versions go by it."""

    path: str
    meta: dict[str, Any] | None = None


class _Pipeline(BaseModel):
    """dvc.yaml."""

    artifacts: dict[str, Artifact] | None = None


class _Out(BaseModel):
    path: str
    md5: Annotated[str, Field(pattern=r"^[0-9a-f]{32}(\.dir)?$")] | None = None
    size: int | None = None
    nfiles: int | None = None


class _Stage(BaseModel):
    outs: list[_Out] | None = None


class _Lock(BaseModel):
    """dvc.lock."""

    stages: dict[str, _Stage] | None = None


@dataclass(frozen=True)
class Built:
    """What dvc.lock says of an artifact.

    Attributes:
        path: from the project's folder.
        md5: its hash in DVC's store; with `.dir` at the end that of a folder.
        size: bytes of all its files; None if not on record.
        nfiles: how many a folder has; None for a file, or if not on record.
    """

    path: str
    md5: str
    size: int | None
    nfiles: int | None


class _Record(BaseModel):
    """A published record, as far as it is listed and compared."""

    verdict: str
    override: str | None = None
    recipe: str | None = None
    synthetic: str | None = None
    classes: list[str] = []
    counts: dict[str, dict[str, list[int]]] = {}
    metrics: dict[str, Any] = {}
    fidelity: dict[str, Any] = {}

    @model_validator(mode="after")
    def _of_all_classes(self) -> "_Record":
        numbers = (n for of_split in self.counts.values() for n in of_split.values())
        if any(len(of_classes) != len(self.classes) for of_classes in numbers):
            raise ValueError("counts of other classes than it names")
        return self


def path(artifact: str) -> str:
    """Return the record's path in a published commit, from the project's folder."""
    return f"published/{artifact}.json"


def data(dvc_yaml: str, dvc_lock: str, artifact: str) -> dict[str, str]:
    """Return what goes on record of where an artifact is, `path` and `md5`; as `built`."""
    found = built(dvc_yaml, dvc_lock, artifact)
    return {"path": found.path, "md5": found.md5}


def built(dvc_yaml: str, dvc_lock: str, artifact: str) -> Built:
    """Return what was built of an artifact, from the contents of dvc.yaml and dvc.lock.

    Raises:
        UserError: dvc.yaml declares no such artifact, it is not built, or a file is damaged.
    """
    declared = artifacts(dvc_yaml)
    if artifact not in declared:
        allowed = hint(artifact, declared)
        raise UserError(f"artifact {artifact!r}: not among the artifacts of dvc.yaml; {allowed}")
    place = declared[artifact].path
    stages = (_read(_Lock, dvc_lock, "dvc.lock").stages or {}).values()
    outs = {out.path: out for stage in stages for out in stage.outs or []}
    if (out := outs.get(place)) is None:
        raise UserError(f"{place} is not in dvc.lock: run `dvc repro`")
    if out.md5 is None:
        raise UserError(f"{place} has no md5 in dvc.lock: only what DVC caches has versions")
    return Built(place, out.md5, out.size, out.nfiles)


def artifacts(dvc_yaml: str) -> dict[str, Artifact]:
    """Return what the content of dvc.yaml declares of artifacts, by name.

    Raises:
        UserError: it is damaged.
    """
    return _read(_Pipeline, dvc_yaml, "dvc.yaml").artifacts or {}


def _read(kind: type[Read], content: str, name: str) -> Read:
    """Return what a file of DVC says, as far as it is known here."""
    try:
        return kind.model_validate(yaml.safe_load(content) or {})
    except (yaml.YAMLError, RecursionError) as error:
        raise UserError(f"{name} is damaged: {reason(error)}") from None
    except ValidationError as error:
        raise UserError(f"{name} is damaged: {_first(error)}") from None


def _first(error: ValidationError) -> str:
    """Return the first fault, and where it is."""
    fault = error.errors(include_url=False)[0]
    return shortened(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}".removeprefix(": "))


def describe(root: Path, artifact: str, override: str | None) -> dict[str, Any]:
    """Return what goes on record about the artifact that is built in `root`.

    Raises:
        UserError: dvc.yaml declares no such artifact, or it is not built, or it shares the versions
            of another.
    """
    files = (root / "dvc.yaml", root / "dvc.lock")
    declared, lock = (file.read_text() if file.exists() else "" for file in files)
    found = data(declared, lock, artifact)
    shared = {n: (about.meta or {}).get(WITH) for n, about in artifacts(declared).items()}
    if leader := shared[artifact]:
        raise UserError(f"{artifact} is published with {leader}: publish that")
    verdict = read_record(root / gate.VERDICT, "overall")["overall"]
    decision, known = gate.decision(root), (root / FIDELITY).exists()
    fidelity = read_record(root / FIDELITY, "overall")["overall"] if known else {}
    return {
        "data": found,
        "with": {n: data(declared, lock, n) for n, leader in shared.items() if leader == artifact},
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
        UserError: it is no JSON object, or not what `describe` returns; `where` names the version.
    """
    try:
        found = json.loads(text or "{}")
        if not isinstance(found, dict):
            raise UserError(f"the record of {where} is damaged: no JSON object")
        if found:
            _Record.model_validate(found)
    except ValidationError as error:
        raise UserError(f"the record of {where} is damaged: {_first(error)}") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"the record of {where} is damaged: {reason(error)}") from None
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
