"""Every stage works on any split that ingest lets through, or says in one message what is not."""

import io
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from gan_augment import table
from tests.conftest import CommandLine, refusal

STAGES = {
    "ingest": "data/real",
    "train": "models/generator",
    "generate": "data/synthetic",
    "evaluate": "reports/verdict.json",
    "report": "reports/report.html",
    "assemble": "data/augmented",
    "classifier": "models/classifier",
}
"""Each stage, and one thing that it writes."""
TRAIN = {"steps": 2, "width": 8, "batch_size": 4, "latent_dim": 4, "eval_interval": 1}
EVALUATE = {"repeats": 6, "classifiers": ["k-nn"]}
ALL_GATES = ["agreement", "support", "copies", "repeats"]
Counts = list[tuple[int, int, int]]
"""Of each class, images of train, validation and test."""


def write(target: Path, counts: Counts, published: bool) -> None:
    """Write a table of noise, lighter from class to class, with or without its splits."""
    rng = np.random.default_rng(0)
    rows = []
    for label, of_class in enumerate(counts):
        for split, number in zip(table.SPLITS, of_class, strict=True):
            for _ in range(number):
                pixels = np.clip(rng.normal(60 + 50 * label, 30, (6, 6)), 0, 255).astype(np.uint8)
                png = io.BytesIO()
                Image.fromarray(pixels).save(png, "PNG")
                rows.append((png.getvalue(), f"c{label}", split if published else None))
    columns = dict(zip(("image", "label", "split"), zip(*rows, strict=True), strict=True))
    target.parent.mkdir()
    pq.write_table(pa.table({name: list(cells) for name, cells in columns.items()}), target)


def run_all(cli: CommandLine, **overrides: dict[str, object]) -> str:
    """Run the stages until one refuses; return its name, and what it said, or "" if none does."""
    for stage, output in STAGES.items():
        code, printed = cli(stage, **overrides)
        assert (code == 0) == Path(output).exists(), printed
        if code:
            refusal((code, printed))
            return f"{stage}: {printed}"
    assert (Path("data/augmented") / "README.md").exists()
    return ""


number = st.sampled_from([0, 0, 1, 1, 2, 3, 6])


def test_every_stage_works_or_says_what_is_missing(cli: CommandLine) -> None:
    said = []

    @settings(max_examples=12, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
    @given(
        counts=st.lists(st.tuples(number, number, number), min_size=1, max_size=3).filter(
            lambda counts: sum(map(sum, counts)) > 1
        ),
        published=st.booleans(),
        gates=st.sampled_from([[], [], ["copies"], ALL_GATES]),
        plan=st.sampled_from(["auto", "fill", {"per_class": 3}]),
        method=st.sampled_from(["gan", "gan", "smote", "gmm"]),
        arms=st.sampled_from(
            [["real", "gan", "smote", "placebo"], ["real", "gan+classic", "synthetic-only", "gan"]]
        ),
        tuning_repeats=st.integers(0, 1),
    )
    @example([(1, 0, 1), (1, 0, 1)], False, [], "auto", "gan", ["real", "gan"], 0)
    @example([(6, 3, 3), (3, 0, 3)], True, [], "auto", "gan", ["real", "gan"], 1)
    @example([(6, 3, 3), (3, 0, 0), (6, 3, 3)], True, [], "auto", "gan", ["real", "gan"], 1)
    @example([(6, 3, 3), (3, 3, 0)], True, [], "auto", "gan", ["real", "gan"], 0)
    @example([(1, 1, 1), (1, 1, 1)], True, [], {"per_class": 3}, "gan", ["real", "gan"], 0)
    def works_or_says(
        counts: Counts,
        published: bool,
        gates: list[str],
        plan: object,
        method: str,
        arms: list[str],
        tuning_repeats: int,
    ) -> None:
        for folder in ("raw", "data", "models", "reports", ".scratch"):
            shutil.rmtree(folder, ignore_errors=True)
        write(Path("raw") / "x.parquet", counts, published)
        said.append(
            run_all(
                cli,
                ingest={"source": "parquet", "path": "raw", "scarcity": {}},
                train=TRAIN,
                generate={"gates": gates, "plan": plan, "min_real": 1, "method": method},
                evaluate={**EVALUATE, "arms": arms, "tuning_repeats": tuning_repeats},
                assemble={"require": "none"},
            )
        )

    works_or_says()
    assert "" in said
