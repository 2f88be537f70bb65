"""Sets of draws: the plan filled again and again, each time from a seed of its own.

Many images are made side by side, on all cores, a set at a time; fewer one after another, since
workers take seconds to start. No set knows of another, so both ways give the same rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gan_augment.engine import Shared, shared
from gan_augment.engine.resumed import resumed
from gan_augment.gan.model import Model
from gan_augment.params import GenerateParams
from gan_augment.synthesis import baselines
from gan_augment.synthesis.draws import seed_of_set
from gan_augment.synthesis.gates.evidence import Evidence
from gan_augment.synthesis.gates.sight import Gate
from gan_augment.synthesis.sampler import HopelessError, Sampler
from gan_augment.table import Images

MANY = 20_000
"""Images from which on sets are made side by side."""


@dataclass(frozen=True)
class Sets:
    """What all sets have in common.

    Attributes:
        params: the section `generate`.
        real: training images.
        counts: images wanted of each class, int64 K.
        methods: by which each class is made.
        trained: the generator, if one is needed.
        evidence: what gates are fitted to; None without gates.
        judges: the gates, by name.
    """

    params: GenerateParams
    real: Images
    counts: NDArray[np.int64]
    methods: Sequence[str]
    trained: Model | None
    evidence: Evidence | None
    judges: Mapping[str, Gate]

    def sampler(self, number: int, scratch: Path | None = None) -> Sampler | None:
        """Return what draws a set from the generator, and keeps finished blocks in scratch."""
        if self.trained is None:
            return None
        return Sampler(self.trained, self.params, self.evidence, self.judges, scratch, number)

    def rows(self, number: int, sampler: Sampler | None) -> Iterator[pa.Table]:
        """Yield the rows of a set, class by class.

        Raises:
            HopelessError: the gates reject nearly all of a class, and there is no fallback.
        """
        for label, wanted in enumerate(self.counts.tolist()):
            yield from self._of_class(label, wanted, number, sampler)

    def _of_class(
        self, label: int, wanted: int, number: int, sampler: Sampler | None
    ) -> Iterator[pa.Table]:
        """Yield rows of a class: of the generator while its images pass, else simpler ones."""
        left, method = wanted, self.methods[label]
        if method == "gan" and sampler:
            try:
                for rows in sampler.rows(label, wanted):
                    left -= len(rows)
                    yield rows
            except HopelessError as error:
                if self.params.fallback is None:
                    raise
                method = self.params.fallback
                print(f"generate: {error}. The {left} that are missing are made by {method}")
        if left:
            seed = seed_of_set(self.params.seed, number)
            extra = baselines.of_class(self.real, label, left)
            yield from baselines.rows(method, self.real, extra, seed)

    def others(self, numbers: Sequence[int], scratch: Path) -> Iterator[pa.Table]:
        """Yield the rows of several sets, one after another; what is finished is kept in scratch.

        Raises:
            HopelessError: as of `rows`.
        """
        # A second backbone looks on all cores itself.
        alone = self.evidence is not None and self.evidence.second is not None
        if alone or len(numbers) * self.counts.sum() < MANY:
            for number in numbers:
                yield from self.rows(number, self.sampler(number, scratch))
        else:
            yield from self._side_by_side(numbers, scratch)

    def _side_by_side(self, numbers: Sequence[int], scratch: Path) -> Iterator[pa.Table]:
        files = {scratch / f"set-{number:03d}.parquet": number for number in numbers}
        if self.evidence:
            self.evidence.fit()
        with shared(self) as common:
            yield from resumed(partial(_whole, common), files, pq.read_table, _write)


def _write(file: Path, rows: pa.Table) -> None:
    pq.write_table(rows, file, compression="none", use_dictionary=False)


def _whole(common: Shared[Sets], number: int) -> pa.Table:
    """Return all rows of a set."""
    sets = common.get()
    return pa.concat_tables(sets.rows(number, sets.sampler(number)))
