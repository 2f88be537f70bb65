"""The stages of dvc.yaml as DVC sees them: order, what changed, and hints for whoever runs them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gan_augment.errors import UserError
from gan_augment.versions import checkout


class Hints(BaseModel):
    """What a stage's `meta.flow` in dvc.yaml may say; DVC itself takes no notice of it.

    Attributes:
        retries: times to try again when what failed can pass, such as a remote out of reach.
        time_limit_minutes: how long the stage may take; None for as long as it wants.
    """

    model_config = ConfigDict(extra="forbid")

    retries: int = Field(2, ge=0)
    time_limit_minutes: float | None = Field(None, gt=0)


@dataclass(frozen=True)
class Stage:
    """One stage of dvc.yaml; `always` if DVC runs it whether or not anything changed."""

    name: str
    description: str
    hints: Hints
    always: bool = False


def stages(root: Path) -> list[Stage]:
    """Return the stages of dvc.yaml in `root`, each after those it depends on.

    Raises:
        UserError: dvc.yaml is not valid, or a hint in it is not.
    """
    import networkx
    from dvc.stage import PipelineStage

    with checkout.opened(root, str(root / "dvc.yaml")) as repo:
        # An edge points from a stage to what it depends on.
        order = networkx.lexicographical_topological_sort(
            repo.index.graph.reverse(), key=lambda stage: stage.addressing
        )
        return [
            Stage(
                stage.name,
                stage.desc or "",
                _hints(stage.name, stage.meta),
                stage.always_changed,
            )
            for stage in order
            if isinstance(stage, PipelineStage)
        ]


def changed(root: Path) -> set[str]:
    """Return the names of the stages that `dvc repro` would look at: changed, or after such a one.

    A stage that runs always is not changed by that alone.

    Raises:
        UserError: the state cannot be read, for instance while DVC runs a stage.
    """
    import networkx
    from dvc.stage import PipelineStage

    with checkout.opened(root, f"dvc status in {root}") as repo:
        graph = repo.index.graph
        found: set[PipelineStage] = set()
        # `repo.status()` would also ask the sources of imported data, over the network.
        with repo.lock:
            for stage in graph:
                if isinstance(stage, PipelineStage) and _differs(stage.status()):
                    found |= {stage, *networkx.ancestors(graph, stage)}
        return {stage.name for stage in found}


def source_changed(root: Path) -> bool:
    """Return whether source data that DVC tracks differ from what the stages last ran on.

    Raises:
        UserError: as of `changed`.
    """
    from dvc.stage import PipelineStage

    with checkout.opened(root, f"dvc status in {root}") as repo, repo.lock:
        found = repo.index.stages
        tracked = [out.fs_path for s in found if s.is_data_source for out in s.outs]
        deps = [dep for s in found if isinstance(s, PipelineStage) for dep in s.deps]
        return any(
            dep.status()
            for dep in deps
            if any(Path(dep.fs_path).is_relative_to(path) for path in tracked)
            or any(Path(path).is_relative_to(dep.fs_path) for path in tracked)
        )


def outside(root: Path) -> list[str]:
    """Return the files and folders outside of `root` that stages depend on.

    Raises:
        UserError: there is no DVC project, or its dvc.yaml is not valid.
    """
    with checkout.opened(root, str(root.resolve())) as repo:
        paths = {dep.fs_path for dep in repo.index.deps if dep.protocol == "local"}
        return sorted(path for path in paths if not Path(path).is_relative_to(repo.root_dir))


def _differs(status: Mapping[str, list[Any]]) -> bool:
    """Return whether a status tells of more than that the stage runs always."""
    return any(said != "always changed" for part in status.values() for said in part)


def _hints(stage: str, meta: Mapping[str, Any] | None) -> Hints:
    try:
        return Hints.model_validate((meta or {}).get("flow") or {})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(("dvc.yaml: stages", stage, "meta.flow", *map(str, first["loc"])))
        raise UserError(f"{where} = {first['input']!r}: {first['msg'].lower()}") from None
