"""Copies of a method: arms that differ by nothing but the images they happened to draw.

A world is one split of a set, one generator of it, and what all copies get right there. In every
repeat a copy adds images of its own to the same real ones, through the stages' own code: resampled
training sets, all classifiers, validation and test. Copies that are kept draw their images once for
all repeats, as data/synthetic was before every repeat had draws of its own.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gan_augment import table
from gan_augment.evaluation import cells, outcomes
from gan_augment.evaluation.arms import Material, Option, take
from gan_augment.evaluation.seal import open_test
from gan_augment.params import Params
from gan_augment.seeding import seed_of
from gan_augment.study.replicate import Replicate
from gan_augment.study.study import varied
from gan_augment.synthesis import draws, plan
from gan_augment.synthesis.baselines import BASELINES
from gan_augment.table import Images

GAN, REAL = "gan", "real"
METHODS = ("oversample", "gmm", GAN)
"""What is compared with itself."""
SHARES = (0.5, 2.0)
"""Images that one arm has more of the scarce classes, and new, over those that it has."""


class Size(NamedTuple):
    """How many copies there are of each method, and in how many repeats."""

    copies: int
    repeats: int


@dataclass(frozen=True)
class Copy:
    """The sets of a copy (`Sets`): real images, and in each repeat those that it adds."""

    real: Images
    params: Params
    make: Callable[[int], Images]
    first: int
    kept: bool

    def __call__(self, repeat: int) -> Material:
        """Return what arms are made of in a repeat."""
        added = self.make(self.first + (0 if self.kept else repeat))
        others = partial(take, self.real, ratio=1, seed=0)
        return Material(self.real, added, others, self.params.evaluate.classic)


def called(method: str, kept: bool, copy: int) -> str:
    """Return what a copy is called among the arms of a world's outcomes."""
    return f"{kind(method, kept)}/{copy}"


def kind(method: str, kept: bool) -> str:
    """Return what the copies of a method have in common in what they are called."""
    return f"{method}/{'kept' if kept else 'fresh'}"


def kind_of(arm: str) -> str:
    """Return the kind of what is called so."""
    return "/".join(arm.split("/")[:2])


def more(share: float) -> tuple[str, str]:
    """Return what two arms are called: so many new real images more, or old ones once more."""
    return f"{share:g} new", f"{share:g} again"


def world(
    params: Params,
    number: int,
    size: Size,
    folder: Path,
    methods: Sequence[str] = METHODS,
    *,
    whole: bool = True,
) -> pa.Table:
    """Return the outcomes of real images alone and of all copies in one world.

    Args:
        params: of the set; scarcity says which real images are held back, to be the new ones.
        number: of the world; its split and its seeds come from it.
        size: how many copies and repeats.
        folder: where stages work, deleted in the end; a killed world goes on where it was.
        methods: what is compared with itself.
        whole: whether there are kept copies and arms with more real images, too.
    """
    params = varied(params, number)
    replicate = Replicate(_with(params, "evaluate", repeats=size.copies * size.repeats), folder)
    replicate.ingest()
    known = {split: table.read(replicate.real, split) for split in ("train", "validation")}
    test = open_test(replicate.real, replicate.ingest_report / "seal.json", known)
    judged = {"validation": known["validation"], "test": test}
    if GAN in methods:
        replicate.train()
        replicate.generate()
    settings = _with(params, "evaluate", repeats=size.repeats).evaluate
    options: dict[str, Option] = dict.fromkeys(settings.classifiers, 1.0)
    hits = {}
    for count, (arm, copy) in enumerate(_copies(replicate, known["train"], size, methods, whole)):
        print(f"world {number}: {arm}", flush=True)
        choices = {REAL: {} if count else options, GAN: options}
        _, found = cells.compute(copy, judged, settings, choices, folder / "cells" / arm)
        for (split, judge, kind), right in found.items():
            hits[split, judge, REAL if kind == REAL else arm] = right
    shutil.rmtree(folder)
    return outcomes.table(hits, judged)


def _copies(
    replicate: Replicate, real: Images, size: Size, methods: Sequence[str], whole: bool
) -> Iterator[tuple[str, Copy]]:
    """Yield every copy and what it is called."""
    missing = plan.wanted(replicate.params.generate.plan, real.counts(), real.classes)
    gan = partial(draws.read, replicate.synthetic, replicate.draws)
    makers = {m: gan if m == GAN else partial(_made, m, real, missing) for m in methods}
    ways = (True, False) if whole else (False,)
    kinds = [(name, make, kept) for kept in ways for name, make in makers.items()]
    held_back = _held_back(replicate, real)
    for share in SHARES if whole else ():
        scarce = np.minimum(np.rint(share * real.counts()), held_back.counts()).astype(np.int64)
        for name, images in zip(more(share), (held_back, real), strict=True):
            kinds.append((name, partial(_made, "oversample", images, scarce), False))
    for name, make, kept in kinds:
        for copy in range(size.copies):
            first = copy * size.repeats
            yield called(name, kept, copy), Copy(real, replicate.params, make, first, kept)


def _made(method: str, images: Images, counts: NDArray[np.int64], number: int) -> Images:
    return BASELINES[method](images, counts, seed_of(number, "copies"))


def _held_back(replicate: Replicate, real: Images) -> Images:
    """Return the training images that scarcity left out."""
    params = _with(replicate.params, "ingest", scarcity={})
    whole = Replicate(params, replicate.folder / "whole")
    whole.ingest()
    images = table.read(whole.real, "train")
    return images.select(~images.rows["id"].isin(real.rows["id"]).to_numpy())


def _with(params: Params, section: str, **changes: object) -> Params:
    changed = getattr(params, section).model_copy(update=changes)
    return params.model_copy(update={section: changed})
