"""What a stage reads, and what may become of it: cut off, emptied, overwritten, or other JSON."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

READ: Mapping[str, tuple[str, ...]] = {
    "embed": ("data/real/train-00000.parquet",),
    "train": ("data/real/train-00000.parquet", "data/features/train-00000.parquet"),
    "generate": (
        "data/real/test-00000.parquet",
        "data/features/validation-00000.parquet",
        "models/generator/config.json",
        "models/generator/generator.safetensors",
    ),
    "evaluate": (
        "data/real/test-00000.parquet",
        "data/features/test-00000.parquet",
        "data/synthetic/train-00000.parquet",
        "data/draws/train-00000.parquet",
        "models/generator/discriminator.safetensors",
        "reports/ingest/seal.json",
    ),
    "report": (
        "data/real/train-00000.parquet",
        "data/synthetic/train-00000.parquet",
        "models/generator/config.json",
        "reports/verdict.json",
        "reports/repeats.csv",
        "reports/ingest/counts.csv",
        "reports/synthesis/plan.csv",
        "reports/synthesis/gates.csv",
        "reports/synthesis/fidelity.json",
        "reports/synthesis/memorisation.json",
        "reports/synthesis/closest.png",
        "reports/training/losses.csv",
        "reports/training/validation.csv",
    ),
    "assemble": (
        "data/real/train-00000.parquet",
        "data/features/train-00000.parquet",
        "data/synthetic/train-00000.parquet",
        "reports/synthesis/memorisation.json",
        "reports/verdict.json",
    ),
    "classifier": ("data/augmented/train-00000.parquet", "data/augmented/verdict.json"),
    "classify": ("models/classifier/config.json", "models/classifier/model.safetensors"),
    "verdict": ("reports/verdict.json", "data/augmented/train-00000.parquet"),
    "trace": ("data/synthetic/train-00000.parquet",),
}
"""Command → files that it reads."""


class Damage(NamedTuple):
    """What happens to a file."""

    told: str
    of: Callable[[bytes], bytes]
    suffixes: tuple[str, ...] = (".parquet", ".json", ".safetensors", ".csv", ".png")


def _overwritten(content: bytes) -> bytes:
    start, stop = len(content) // 3, 2 * len(content) // 3
    return content[:start] + b"\xff" * (stop - start) + content[stop:]


DAMAGES: Mapping[str, Damage] = {
    "cut": Damage("cut off in the middle", lambda content: content[: len(content) // 2]),
    "empty": Damage("empty", lambda _: b""),
    "overwritten": Damage("a third of it overwritten", _overwritten),
    "nothing": Damage("JSON of nothing", lambda _: b"{}", (".json",)),
    "list": Damage("JSON of another kind", lambda _: b"[1]", (".json",)),
}


class Case(NamedTuple):
    """A command that meets a damaged file."""

    command: str
    file: str
    damage: str

    def harm(self, root: Path) -> None:
        """Damage the file."""
        path = root / self.file
        path.write_bytes(DAMAGES[self.damage].of(path.read_bytes()))


UNREAD = {
    Case("assemble", "data/synthetic/train-00000.parquet", "overwritten"),
    Case("verdict", "data/augmented/train-00000.parquet", "overwritten"),
}
"""What is overwritten there are images, and these commands read labels and origins."""


def cases() -> Iterator[Case]:
    """Yield every command with every file that it reads and all that may become of it."""
    for command, files in READ.items():
        for file in files:
            for name, damage in DAMAGES.items():
                case = Case(command, file, name)
                if Path(file).suffix in damage.suffixes and case not in UNREAD:
                    yield case
