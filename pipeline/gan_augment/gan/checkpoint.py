"""Training state on disk: safetensors only, named by its digest, the last two kept.

A file that was cut short or changed no longer matches the digest in its name; it is named and the
one before it is used. Nothing here is a pickle, so a checkpoint cannot run code.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from gan_augment.storage import digest, replace_file

KEPT = 2
_NAME = re.compile(r"attempt-(\d{3})-step-(\d{9})-([0-9a-f]{16})\.safetensors")


class TrainingState:
    """Everything that training changes: modules and optimisers."""

    def __init__(
        self, modules: Mapping[str, nn.Module], optimizers: Mapping[str, Optimizer]
    ) -> None:
        self._modules, self._optimizers = modules, optimizers

    def save(self, folder: Path, attempt: int, step: int, record: Mapping[str, Any]) -> None:
        """Write the state after `step` steps, atomically, and drop all but the last two.

        Args:
            folder: where checkpoints live.
            attempt: number of rollbacks so far; a later attempt is newer whatever its step.
            step: number of steps made.
            record: what to keep beside the tensors, as JSON.
        """
        folder.mkdir(parents=True, exist_ok=True)
        written = folder / "new.safetensors"
        with replace_file(written) as partial:
            save_file(self._tensors(), partial, metadata={"record": json.dumps(record)})
        name = f"attempt-{attempt:03d}-step-{step:09d}-{digest(written)}.safetensors"
        written.replace(folder / name)
        for old in _checkpoints(folder)[:-KEPT]:
            old.unlink()

    def load_latest(self, folder: Path) -> tuple[int, dict[str, Any]] | None:
        """Restore the newest sound checkpoint; return its step and record, if there is one."""
        for path in reversed(_checkpoints(folder)):
            _, step, expected = _NAME.fullmatch(path.name).groups()  # type: ignore[union-attr]
            if digest(path) == expected:
                return int(step), self._restore(path)
            print(f"train: checkpoint {path} does not match its digest, so it is not used")
        return None

    def _tensors(self) -> dict[str, Tensor]:
        tensors = {
            f"{name}/{key}": tensor
            for name, module in self._modules.items()
            for key, tensor in module.state_dict().items()
        }
        for name, optimizer in self._optimizers.items():
            for index, slots in optimizer.state_dict()["state"].items():
                tensors |= {f"{name}/{index}/{slot}": tensor for slot, tensor in slots.items()}
        return {key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}

    def _restore(self, path: Path) -> dict[str, Any]:
        parts: dict[str, dict[str, Tensor]] = {}
        for key, tensor in load_file(path).items():
            name, rest = key.split("/", 1)
            parts.setdefault(name, {})[rest] = tensor
        for name, module in self._modules.items():
            module.load_state_dict(parts[name])
        for name, optimizer in self._optimizers.items():
            slots: dict[int, dict[str, Tensor]] = {}
            for key, tensor in parts.get(name, {}).items():
                index, slot = key.split("/")
                slots.setdefault(int(index), {})[slot] = tensor
            groups = optimizer.state_dict()["param_groups"]
            optimizer.load_state_dict({"state": slots, "param_groups": groups})
        with safe_open(path, "pt") as file:
            record: dict[str, Any] = json.loads(file.metadata()["record"])
        return record


def _checkpoints(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("attempt-*") if _NAME.fullmatch(path.name))
