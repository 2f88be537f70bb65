"""The study: is the verdict the same with other splits, other generators, other test images?"""

import math
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence, Set
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from gan_augment import markdown, spreadsheet, table
from gan_augment.errors import UserError
from gan_augment.evaluation import outcomes
from gan_augment.evaluation.statistics import points
from gan_augment.evaluation.verdict import verdicts
from gan_augment.markdown import Markdown, escape
from gan_augment.params import Params
from gan_augment.report.ranking import ranked
from gan_augment.seeding import seed_of
from gan_augment.storage import delete_directory, replace_file, write_json, write_text
from gan_augment.study.replicate import Replicate, folder_for, one_at_a_time, run_all

Judges = Mapping[str, Mapping[str, Any]]

LEAST = 6
"""Replicates below which their scatter is hardly known."""
SEEN = (
    "Arms were chosen by images that other replicates test, since there are no others of every "
    "class, so the chosen ones look better than they are: take fewer replicates, or more images."
)


def run(params: Params, replicates: int, outputs: Mapping[str, Path]) -> None:
    """Run the pipeline from `replicates` seeds and judge the paired differences over all of them.

    Each has a split, a generator and one repeat of the evaluation of its own. They run side by
    side, one a core, with the same results as one by one. Killed and started again, it goes on
    where it was.

    Args:
        params: all sections; their seeds are where those of the replicates come from.
        replicates: how many.
        outputs: `study`, a folder of outcomes.parquet, repeats.csv, verdict.json and verdict.md;
            `scratch`, where replicates are until all are done.

    Raises:
        UserError: too few replicates, another study at work in `scratch`, or a stage's own; names
            the replicate.
    """
    if replicates < LEAST:
        raise UserError(f"replicates = {replicates}: at least {LEAST}, or nothing can be told")
    with one_at_a_time(outputs["scratch"]):
        _run(params, replicates, outputs)


def _run(params: Params, replicates: int, outputs: Mapping[str, Path]) -> None:
    folder = folder_for(outputs["scratch"], params)
    done = [Replicate(varied(params, number), folder / str(number)) for number in range(replicates)]
    run_all(done, "study")
    repeats = pd.concat([one.repeats().assign(repeat=n) for n, one in enumerate(done)])
    told = outcomes.together([one.outcomes() for one in done])
    found = _verdicts(told, done, params)
    found["replicates"] = [described(replicate) for replicate in done]
    target = outputs["study"]
    with replace_file(target / "repeats.csv") as partial:
        spreadsheet.write(partial, repeats, decimals=6)
    outcomes.write(target / "outcomes.parquet", told)
    write_json(target / "verdict.json", found)
    write_text(target / "verdict.md", page(found))
    delete_directory(folder)
    for sentence in (found["overall"]["sentence"], *found["overall"]["cautions"]):
        print(f"study: {sentence}")


def varied(params: Params, number: int) -> Params:
    """Return the params of one replicate: other seeds, and one repeat of the evaluation."""
    seeds = {
        name: {"seed": seed_of(getattr(params, name).seed, "study", name, number)}
        for name in ("ingest", "train", "generate", "evaluate")
    }
    seeds["evaluate"]["repeats"] = 1
    changed = {name: getattr(params, name).model_copy(update=new) for name, new in seeds.items()}
    return params.model_copy(update=changed)


def page(found: Mapping[str, Any]) -> str:
    """Return the verdicts as Markdown: each arm against real images alone, in points."""
    judges = {"mean": found["overall"], **found["classifiers"]}
    arms = [
        [arm, *(_cell(judge, arm) for judge in judges.values())]
        for arm in ranked(found["overall"], found["classifiers"])
    ]
    lines = [
        f"**{escape(found['overall']['verdict'])}**: {escape(found['overall']['sentence'])}",
        "",
        *(f"{caution}\n" for caution in markdown.cautions(found["overall"]["cautions"])),
        f"Balanced accuracy of `real`, %, and every other arm's difference to it in points, over "
        f"{len(found['replicates'])} replicates (95 % intervals).",
        "",
        markdown.table(["arm", *judges], [*arms, *_summed_up(judges)]),
    ]
    return "\n".join(lines) + "\n"


def _summed_up(judges: Judges) -> Iterator[list[str]]:
    """Yield what each judge comes to."""
    yield [Markdown("*its best arm*"), *(judge["gan_arm"] or "–" for judge in judges.values())]
    yield [Markdown("*the best without*"), *(judge["alternative"] for judge in judges.values())]
    found = [judge["against_alternative"] for judge in judges.values()]
    against = [points(difference) if difference else "–" for difference in found]
    yield [Markdown("*the one against the other*"), *against]
    yield [Markdown("*verdict*"), *(judge["verdict"] for judge in judges.values())]


def _cell(judge: Mapping[str, Any], arm: str) -> str:
    if arm not in judge["scores"]:
        return "–"
    if arm == "real":
        return f"{100 * judge['scores'][arm]:.1f}"
    return points(judge["arms"][arm], unit="")


def described(replicate: Replicate) -> dict[str, Any]:
    """Return of a replicate how its generator did, and what it was judged by.

    `validation_cas` is that of the generator that was kept, None if there are no classes to know.
    `networks` has what the images of each network added on validation images, where several were
    trained.
    """
    verdict = replicate.verdict()
    history = spreadsheet.read(replicate.history / "validation.csv")
    (cas,) = history["cas"][history["kept"]]
    networks = replicate.history / "networks.csv"
    tried: dict[str, float] = {}
    if networks.exists():
        tried = dict(spreadsheet.read(networks).set_index("network")["lift"].dropna())
    return {
        "validation_cas": None if np.isnan(cas) else float(cas),
        "networks": tried,
        "memorisation_passed": replicate.passed(),
        "choices": verdict["choices"],
        "provenance": verdict["provenance"],
    }


def _verdicts(told: pa.Table, done: Sequence[Replicate], params: Params) -> dict[str, Any]:
    """Return the verdicts over replicates, each a repeat with images of its own."""
    filled = {name for one in done for name in one.filled()}
    rows = [table.Rows(table.shards(one.real, "train")) for one in done]
    learnt = [set(one.columns(["id"])["id"].to_pylist()) for one in rows]
    times = overlap(learnt, int(table.counts(done[0].real, "test").sum()))
    classes = table.class_names(done[0].real)
    return of_replicates(told, params.evaluate.min_gain, filled, times, classes)


def of_replicates(
    told: pa.Table,
    min_gain: float,
    filled: Collection[str],
    times: float,
    classes: Collection[str] = (),
) -> dict[str, Any]:
    """Return the verdicts on arms that are chosen by validation images that no replicate tests.

    Args:
        told: the outcomes of all replicates.
        min_gain: points that a gain must have, 0–100.
        filled: names of the classes that got synthetic images.
        times: see `overlap`.
        classes: names of all classes.
    """
    apart = outcomes.untested(told)
    validation = outcomes.of_split(told if apart is None else apart, "validation")
    test = outcomes.of_split(told, "test")
    found = verdicts(validation, test, min_gain, filled, times, classes)
    if apart is None:
        found["overall"]["cautions"].append(SEEN)
    return found


def overlap(learnt: Sequence[Set[Hashable]], judged: int) -> float:
    """Return what the scatter of replicates is taken times, since training sets share images.

    Where a share s of their images is another's, too, replicates scatter (1 − s) times as much as
    those of new images, if a result is a mean over training images, and have s / (1 − s) of that in
    common. Where sets are as large as can be, test / training images is enough (Nadeau & Bengio
    2003). `benchmarks/coverage.py` tries both.

    Args:
        learnt: the training images of each replicate.
        judged: test images of one.
    """
    share = float(np.mean([len(a & b) / len(a) for a, b in permutations(learnt, 2)]))
    common = share / (1 - share) if share < 1 else math.inf
    return 1 + len(learnt) * min(judged / len(learnt[0]), common)
