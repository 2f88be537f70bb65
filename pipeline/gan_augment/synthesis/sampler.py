"""The sampler: images of a class from the generator, through the gates, until there are enough.

Candidates come in blocks. A finished block is kept in scratch, so a killed run makes none twice;
which images pass depends on generator, seed and index alone, not on where blocks begin.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gan_augment import table
from gan_augment.engine import stream
from gan_augment.errors import UserError
from gan_augment.gan.model import Model
from gan_augment.gan.sampling import BLOCK
from gan_augment.params import GenerateParams
from gan_augment.storage import replace_file
from gan_augment.synthesis.draws import seed_of_set
from gan_augment.synthesis.gates import Judged, judge
from gan_augment.synthesis.gates.evidence import Candidates, Evidence
from gan_augment.synthesis.gates.sight import Gate

MOST_BLOCKS = 8
"""A block of candidates has so many of the generator's blocks of 128, or fewer for small plans."""
LEAST_TRIES = 256
"""Before so many candidates of a class none is given up."""
PATIENCE = 5
"""A class that set 0 was filled with is given up so much later in other sets: it can be filled."""
ADVICE = {
    "copies": "Train for fewer steps",
    "repeats": "Its images are much alike: train longer if scores were still getting better in "
    "reports/training, else for fewer steps",
}
"""What helps where a gate is the strictest; elsewhere it is longer training."""
TALLY = b"tally"

Tally = dict[str, tuple[int, int]]
"""By gate, and for `all` of them: how many candidates came, and how many passed."""


class HopelessError(UserError):
    """The gates let so few images of a class through that there will never be enough."""


class Block(NamedTuple):
    """What passed of some candidates.

    Attributes:
        tally: what became of them.
        rows: encodes what passed, or reads what was kept.
    """

    tally: Tally
    rows: Callable[[], pa.Table]


class Sampler:
    """Draws images that pass the gates, for one set of draws.

    Attributes:
        tally: by class, what became of all candidates so far.
    """

    def __init__(
        self,
        trained: Model,
        params: GenerateParams,
        evidence: Evidence | None,
        judges: Mapping[str, Gate],
        scratch: Path | None,
        number: int = 0,
    ) -> None:
        """Take the generator, what the gates were fitted to (None without gates), and a place.

        `number` is that of the set, see `draws`; no place keeps nothing.
        """
        self._trained, self._params = trained, params
        self._scratch = scratch and scratch / f"set-{number:03d}"
        self._evidence, self._judges = evidence, judges
        self._seed = seed_of_set(params.seed, number)
        # With a fallback a set that gives up is still filled: by the same rule in every set.
        patience = PATIENCE if number and params.fallback is None else 1
        self._most_tries = patience * params.max_tries
        self.tally: dict[int, Counter[tuple[str, str]]] = {}

    def rows(self, label: int, wanted: int) -> Iterator[pa.Table]:
        """Yield rows of a class until there are `wanted`; encoding overlaps with drawing.

        Raises:
            HopelessError: the gates reject nearly all of the class; after the last row of it that
                they let through.
        """
        left = wanted
        for rows in stream(
            lambda block: block.rows(), self._blocks(label, wanted), processes=False
        ):
            yield rows.slice(0, left)
            left -= min(left, len(rows))
        if left:
            raise HopelessError(self._why(label))

    def _blocks(self, label: int, wanted: int) -> Iterator[Block]:
        """Yield blocks of a class until enough images pass, or too few to go on."""
        size = min(-(-wanted // BLOCK), MOST_BLOCKS) * BLOCK
        counts = self.tally.setdefault(label, Counter())
        while counts["all", "accepted"] < wanted and not self._hopeless(counts):
            start = counts["all", "tried"]
            stop = start + size if self._judges else min(start + size, wanted)
            block = self._block(label, range(start, stop))
            for gate, (tried, accepted) in block.tally.items():
                counts[gate, "tried"] += tried
                counts[gate, "accepted"] += accepted
            yield block

    def _block(self, label: int, indices: range) -> Block:
        """Return a block as it was kept, or make it."""
        name = f"class-{label:03d}-from-{indices.start:09d}.parquet"
        file = self._scratch and self._scratch / name
        if file and file.exists():
            kept = pq.read_schema(file).metadata[TALLY]
            block = Block(json.loads(kept), partial(pq.read_table, file))
            self._remember(label, block, indices.start)
            return block
        pixels = self._trained.draw(label, indices, self._seed, self._params.truncation)
        chosen = np.array(indices)
        if self._evidence is None:
            tally: Tally = {"all": (len(chosen), len(chosen))}
            return Block(tally, partial(self._encode, file, tally, label, chosen, pixels, {}))
        candidates = self._evidence.candidates(label, self._seed, chosen, pixels)
        judged = judge(candidates, self._judges)
        passed = judged.passed
        tally = {"all": (len(chosen), int(passed.sum())), **judged.tally}
        columns = _columns(candidates, judged, self._evidence.train.rows["id"].to_numpy(str))
        parts = chosen[passed], pixels[passed], columns
        return Block(tally, partial(self._encode, file, tally, label, *parts))

    def _remember(self, label: int, block: Block, start: int) -> None:
        """Show what passed earlier, in a block from index `start` on, to gates that remember it."""
        remembering = [gate.remember for gate in self._judges.values() if gate.remember]
        if self._evidence is None or not remembering:
            return
        images = table.decode(block.rows())
        if not len(images):
            return
        rows = images.rows["index"].to_numpy(np.int64) - start
        # Each image where it was: in another place a matrix product may round its codes otherwise.
        pixels = np.zeros((block.tally["all"][0], *images.pixels.shape[1:]), images.pixels.dtype)
        pixels[rows] = images.pixels
        codes = self._evidence.components(pixels).values[rows]
        for remember in remembering:
            remember(label, self._seed, codes)

    def _encode(
        self,
        file: Path | None,
        tally: Tally,
        label: int,
        indices: NDArray[np.int64],
        pixels: NDArray[np.uint8],
        columns: dict[str, Any],
    ) -> pa.Table:
        """Return the rows, kept in a file for a run that is killed and goes on."""
        rows = table.encode(
            pixels,
            np.full(len(pixels), label, np.int64),
            self._trained.classes,
            split="train",
            origin="synthetic",
            space=self._trained.space,
            method="gan",
            generator=self._trained.hash,
            seed=self._seed,
            index=indices.tolist(),
            requested_label=label,
            truncation=self._params.truncation,
            **columns,
        )
        if file is None:
            return rows
        noted = rows.replace_schema_metadata({**rows.schema.metadata, TALLY: json.dumps(tally)})
        with replace_file(file) as part:
            pq.write_table(noted, part, compression="none", use_dictionary=False)
        return rows

    def _hopeless(self, counts: Counter[tuple[str, str]]) -> bool:
        """Return whether so few pass that there would never be enough, as soon as that shows."""
        tried, accepted = counts["all", "tried"], counts["all", "accepted"]
        return tried >= LEAST_TRIES and accepted * self._most_tries < tried

    def _why(self, label: int) -> str:
        """Return why a class was given up, and what to do."""
        counts = self.tally[label]
        rates = {g: counts[g, "accepted"] / max(counts[g, "tried"], 1) for g in self._judges}
        strictest = min(rates, key=rates.__getitem__)
        advice = ADVICE.get(strictest, "Train longer")
        most, times = self._params.max_tries, self._most_tries // self._params.max_tries
        limit = f"{times} times generate.max_tries = {most}" if times > 1 else "generate.max_tries"
        return (
            f"of {counts['all', 'tried']} images of class {self._trained.classes[label]!r} the "
            f"gates let {counts['all', 'accepted']} through, fewer than one in {self._most_tries} "
            f"({limit}); the strictest is {strictest} ({rates[strictest]:.1%}). "
            f"{advice}, leave the gate out, or set generate.fallback"
        )


def _columns(candidates: Candidates, judged: Judged, ids: NDArray[np.str_]) -> dict[str, Any]:
    """Return what the gates have to say of the images that passed; `ids` are the training images'.

    A score that is infinite, such as the distance of a first image to those before it, or that a
    gate cannot give, is null.
    """
    rows = np.flatnonzero(judged.passed).tolist()
    noted = [
        {
            gate: round(float(scores[row]), 6) if np.isfinite(scores[row]) else None
            for gate, scores in judged.scores.items()
        }
        for row in rows
    ]
    probabilities = candidates.seen.probabilities[rows]
    return {
        "gates": [json.dumps(scores) for scores in noted],
        "weight": probabilities[:, candidates.label],
        "soft_labels": list(probabilities),
        "nearest_id": ids[candidates.nearest.indices[rows]].tolist(),
        "nearest_distance": candidates.nearest.distances[rows],
    }
