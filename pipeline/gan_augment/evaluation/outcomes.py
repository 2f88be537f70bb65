"""Outcomes: which images each arm gets right, in which repeat, by which classifier.

| column | type | meaning |
|---|---|---|
| split | string | validation or test |
| classifier, arm | string | who judges, and how it was trained |
| repeat | int64 | from 0 |
| id, group | string | the image and its group, as in the image table |
| label, class | int64, string | what the image shows |
| right | bool | whether the classifier says so |
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gan_augment.evaluation.statistics import Cases, Floats, Labels
from gan_augment.storage import replace_file
from gan_augment.table import Images

Hits = Mapping[tuple[str, str, str], NDArray[np.bool_]]
"""(split, classifier, arm) → which images of the split it gets right, repeats × N."""
KEYS = ("split", "classifier", "arm")


@dataclass(frozen=True)
class Outcomes:
    """The outcomes of one split: arrays with a line for every image in every repeat.

    Attributes:
        repeat: int64 M.
        label: int64 M, the images' classes.
        group: int64 M, the images' groups.
        classes: names of the classes, by label.
        right: (classifier, arm) → float64 M, 1 where the classifier is right, else 0.
    """

    repeat: Labels
    label: Labels
    group: Labels
    classes: Mapping[int, str]
    right: Mapping[tuple[str, str], Floats]

    @cached_property
    def cases(self) -> Cases:
        """All lines, as statistics take them."""
        return Cases(self.repeat, self.label, self.group)

    @property
    def images(self) -> int:
        """How many images a repeat judges (the mean, rounded)."""
        return round(len(self.repeat) / self.cases.repeats)

    @property
    def groups(self) -> int:
        """How many groups of them a repeat judges (the mean, rounded)."""
        return round(len(np.unique([self.repeat, self.group], axis=1).T) / self.cases.repeats)

    def of_class(self, label: int) -> "Outcomes":
        """Return the outcomes of one class's images."""
        here = self.label == label
        return Outcomes(
            self.repeat[here],
            self.label[here],
            self.group[here],
            {label: self.classes[label]},
            {key: values[here] for key, values in self.right.items()},
        )


def table(hits: Hits, judged: Mapping[str, Images]) -> pa.Table:
    """Return the tidy table of all outcomes.

    Args:
        hits: what was right.
        judged: the images of each split.
    """
    images = {split: _columns(images) for split, images in judged.items()}
    parts = []
    for key, right in hits.items():
        repeats, lines = right.shape
        names = {name: _same(value, right.size) for name, value in zip(KEYS, key, strict=True)}
        here = {name: _tiled(column, repeats) for name, column in images[key[0]].items()}
        numbers = np.repeat(np.arange(repeats), lines)
        parts.append(pa.table({**names, "repeat": numbers, **here, "right": right.ravel()}))
    return pa.concat_tables(parts).unify_dictionaries()


def together(replicates: Sequence[pa.Table]) -> pa.Table:
    """Return the outcomes of several evaluations of one repeat as those of one evaluation."""
    numbered = []
    for number, one in enumerate(replicates):
        column = one.schema.get_field_index("repeat")
        numbers = pa.array(np.full(len(one), number))
        numbered.append(one.set_column(column, "repeat", numbers))
    return pa.concat_tables(numbered).unify_dictionaries()


def untested(outcomes: pa.Table) -> pa.Table | None:
    """Return the validation outcomes on groups of images that no replicate tests.

    None where such groups leave out a class: there are too many replicates for so few images.
    """
    validation, test = (
        outcomes.filter(pc.equal(outcomes["split"], split)) for split in ("validation", "test")
    )
    groups, tested = (part["group"].cast(pa.string()) for part in (validation, test))
    left = validation.filter(pc.invert(pc.is_in(groups, pc.unique(tested))))
    of_every_class = set(left["label"].unique()) == set(validation["label"].unique())
    return left if of_every_class else None


def write(path: Path, outcomes: pa.Table) -> None:
    """Write a table of outcomes as Parquet."""
    with replace_file(path) as partial:
        pq.write_table(outcomes, partial, compression="zstd")


def read(path: Path) -> pa.Table:
    """Return a table of outcomes that was written."""
    return pq.read_table(path)


def of_split(outcomes: pa.Table, split: str) -> Outcomes:
    """Return the outcomes of one split as arrays."""
    frame = outcomes.filter(pc.equal(outcomes["split"], split)).to_pandas()
    keys = ["classifier", "arm"]
    parts = {
        (str(name), str(arm)): part
        for (name, arm), part in frame.groupby(keys, sort=False, observed=True)
    }
    first = next(iter(parts.values()))
    names = first.drop_duplicates("label").sort_values("label")
    return Outcomes(
        first["repeat"].to_numpy(),
        first["label"].to_numpy(),
        first["group"].cat.codes.to_numpy(),
        dict(zip(names["label"].tolist(), names["class"].tolist(), strict=True)),
        {key: part["right"].to_numpy(np.float64) for key, part in parts.items()},
    )


def _columns(images: Images) -> dict[str, pa.Array]:
    """Return what is told of each image; one without an id or a group has one of its own."""
    n = len(images)
    own = [str(number) for number in range(n)]
    ids = images.rows["id"].tolist() if "id" in images.rows else own
    groups = images.rows["group"].tolist() if "group" in images.rows else ids
    names = pa.array(images.classes)
    return {
        "id": pa.array(ids).dictionary_encode(),
        "group": pa.array(groups).dictionary_encode(),
        "label": pa.array(images.labels),
        "class": pa.DictionaryArray.from_arrays(images.labels.astype(np.int32), names),
    }


def _tiled(column: pa.Array, times: int) -> pa.Array:
    return column.take(pa.array(np.tile(np.arange(len(column)), times)))


def _same(value: str, count: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), [value])
