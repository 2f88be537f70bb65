"""How a contestant is told what to do, and what it hands back.

A contestant runs as `python -m benchmarks.contestants.<name> TASK`, TASK being a folder with:

| file | holds |
|---|---|
| `task.json` | the fields of `Task` that are not arrays |
| `train.npz` | `images` uint8 N×1×H×W and `labels` int64 N, which is all that it may learn from |

and leaves there, for each mark in seconds of training, `mark-<seconds>.npz` (`images` uint8 and
`labels`), and at the end `result.json`. Only numpy and torch are needed, so that this runs in the
environments of the peers too.
"""

import json
import random
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.limit import count_flops

Sample = Callable[[NDArray[np.int64]], NDArray[np.uint8]]


@dataclass(frozen=True)
class Task:
    """What every contestant is given.

    Attributes:
        folder: where the files of the protocol are.
        images: uint8 N×1×H×W.
        labels: int64 N.
        classes: number of classes.
        marks: seconds of training after which to hand in images, rising.
        per_class: how many of each class to hand in.
        threads: CPU threads to use.
        seed: of everything random.
    """

    folder: Path
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: int
    marks: tuple[float, ...]
    per_class: int
    threads: int
    seed: int

    @classmethod
    def from_command_line(cls) -> "Task":
        """Read the task that the command names; fix threads and seeds."""
        folder = Path(sys.argv[1])
        told = json.loads((folder / "task.json").read_text())
        with np.load(folder / "train.npz") as train:
            images, labels = train["images"], train["labels"]
        torch.set_num_threads(told["threads"])
        torch.manual_seed(told["seed"])
        np.random.seed(told["seed"])
        random.seed(told["seed"])
        return cls(folder, images, labels, **{**told, "marks": tuple(told["marks"])})

    @property
    def device(self) -> torch.device:
        """The GPU if there is one."""
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def scaled(self, padding: int = 0) -> Tensor:
        """Return the images as float32 in [−1, 1], with a margin of black if asked for."""
        margin = ((0, 0), (0, 0), (padding, padding), (padding, padding))
        return torch.from_numpy(np.pad(self.images, margin)).float() / 127.5 - 1


@dataclass
class Race:
    """The clock of training, which stands still while images are generated.

    Attributes:
        task: what was asked for.
        sample: makes images uint8 N×1×H×W of labels N with the model as it is now.
        trained: real images that the model has been shown.
    """

    task: Task
    sample: Sample
    trained: int = 0
    _seconds: float = 0.0
    _started: float = field(default_factory=time.perf_counter)
    _marks: list[dict[str, float]] = field(default_factory=list)

    def lap(self, images: int) -> bool:
        """Count a step on that many real images; return whether there is time for another.

        At a mark, images are generated and handed in, off the clock.
        """
        self.trained += images
        while self._remaining and self._elapsed() >= self._remaining[0]:
            self._hand_in(self._remaining[0])
        return bool(self._remaining)

    def finish(
        self,
        *,
        settings: Mapping[str, Any],
        precision: str,
        step: Callable[[], object],
        images: float,
        packages: tuple[str, ...] = (),
        conditional: bool = True,
    ) -> None:
        """Write the result.

        Args:
            settings: what a reader must know to judge the contestant.
            precision: of its matrix products, bfloat16 or float32.
            step: does what training does again and again, for its operations to be counted.
            images: how many real images that takes.
            packages: whose versions to record.
            conditional: whether the images show the classes that were asked for.
        """
        result = {
            "settings": dict(settings),
            "precision": precision,
            "conditional": conditional,
            "versions": {name: version(name) for name in ("torch", *packages)},
            "device": self.task.device.type,
            "train_images_per_s": self.trained / self._seconds,
            "sample_images_per_s": max(mark["sample_images_per_s"] for mark in self._marks),
            "flops_per_image": count_flops(step) / images,
            "marks": self._marks,
        }
        (self.task.folder / "result.json").write_text(json.dumps(result, indent=2))

    @property
    def _remaining(self) -> tuple[float, ...]:
        return self.task.marks[len(self._marks) :]

    def _elapsed(self) -> float:
        return self._seconds + time.perf_counter() - self._started

    def _hand_in(self, mark: float) -> None:
        _wait_for_gpu()
        self._seconds = self._elapsed()
        labels = np.repeat(np.arange(self.task.classes), self.task.per_class)
        began = time.perf_counter()
        images = self.sample(labels)
        rate = len(labels) / (time.perf_counter() - began)
        np.savez_compressed(self.task.folder / f"mark-{mark:g}.npz", images=images, labels=labels)
        self._marks.append(
            {
                "mark": mark,
                "seconds": self._seconds,
                "images_trained": self.trained,
                "sample_images_per_s": rate,
            }
        )
        self._started = time.perf_counter()


def to_uint8(images: Tensor, padding: int = 0) -> NDArray[np.uint8]:
    """Return images in [−1, 1] as uint8, N×1×H×W, without the margin that `Task.scaled` gave."""
    inner = slice(padding, -padding or None)
    levels = ((images[..., inner, inner].float() + 1) * 127.5).round().clamp(0, 255)
    return levels.to(torch.uint8).cpu().numpy()


def _wait_for_gpu() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
