"""How often does the verdict err? Arms that are the same method, through the whole comparison.

    python -m benchmarks.false_verdicts           # all sets that are not finished
    python -m benchmarks.false_verdicts digits    # one, an hour on one core
    python -m benchmarks.false_verdicts --table   # of what is finished, as Markdown

Two copies of one method differ by nothing but the images that they happened to draw, so `helps` and
`harms` are false of each other. Beside that, the power: what is said of an arm that has more real
images than another, and new ones. Outcomes are kept in `.scratch/benchmarks/false-verdicts`. The
images are in the folder that GAN_AUGMENT_DATASETS names.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks import script, studies
from benchmarks.copies import GAN, METHODS, REAL, SHARES, Size, kind, kind_of, more, world
from benchmarks.pairs import Found, Pair, judged, rate
from benchmarks.race import SCRATCH
from gan_augment.evaluation import outcomes
from gan_augment.markdown import table

RESULTS = SCRATCH / "false-verdicts"
Pairs = Mapping[Pair, Found]


class Set(NamedTuple):
    """Images, and how much is done with them.

    Attributes:
        title: what they are called.
        study, changes: whose params they have, but for some.
        worlds: how many; the first `whole` of them with kept copies and arms that are better, too.
        size: of each world.
    """

    title: str
    study: str
    changes: studies.Changes
    worlds: int
    whole: int
    size: Size


PLAIN: studies.Changes = {
    "generate": {"plan": "fill"},
    "evaluate": {"arms": [REAL, GAN], "tuning_repeats": 0},
}
SETS = {
    "digits": Set("digits, 20 in the odd classes", "digits-20", PLAIN, 3, 3, Size(12, 10)),
    "fashion": Set("Fashion-MNIST, 200/20", "fashion-200-20", PLAIN, 5, 1, Size(6, 6)),
    "trash": Set(
        "TrashNet at 32 pixels, 40 in three classes",
        "trash-64",
        {**PLAIN, "ingest": {"image_size": 32}},
        6,
        1,
        Size(6, 6),
    ),
}
RULES = {
    "one draw kept, repeats alone (before)": (True, True),
    "fresh draws, repeats alone": (False, True),
    "one draw kept, images and repeats": (True, False),
    "fresh draws, images and repeats (now)": (False, False),
}
"""Title → whether draws are kept, whether it is the rule before."""


def main(arguments: Sequence[str] | None = None) -> None:
    options = studies.asked("false_verdicts", SETS, arguments)
    found: dict[str, Pairs] = {}
    for name in options.names:
        one = SETS[name]
        files = [RESULTS / f"{name}-{number}.parquet" for number in range(one.worlds)]
        for number, file in [] if options.table else enumerate(files):
            if not file.exists():
                settings = studies.params(one.study, one.changes)
                folder = SCRATCH / "worlds" / file.stem
                made = world(settings, number, one.size, folder, whole=number < one.whole)
                outcomes.write(file, made)
        if done := [file for file in files if file.exists()]:
            found[one.title] = together([judged(outcomes.read(file)) for file in done])
    print(report(found) if found else "nothing is finished")


def together(worlds: Sequence[Pairs]) -> Pairs:
    """Return the pairs of several worlds, whose copies are others."""
    return {
        Pair(*(f"{arm}/{number}" for arm in pair)): said
        for number, pairs in enumerate(worlds)
        for pair, said in pairs.items()
    }


def report(found: Mapping[str, Pairs]) -> str:
    """Return the tables: false verdicts by rule and by method, and power."""
    errors = ["pairs", "helps", "harms", "level, at its margin"]
    by_rule = table(["images", "rule", *errors, "interval"], _by_rule(found))
    by_method = table(["images", "method", *errors, "words"], _by_method(found))
    head = ["images", "new real images", "gain", "helps, before", "helps", "the other way round"]
    return f"{by_rule}\n\n{by_method}\n\n{table(head, _power(found))}"


def _by_rule(found: Mapping[str, Pairs]) -> Iterator[list[object]]:
    """Yield how often each rule errs, all methods together."""
    for title, pairs in found.items():
        for rule, (kept, before) in RULES.items():
            here = _of(pairs, *(kind(method, kept) for method in METHODS))
            wider = np.median([one.wider for one in here.values()])
            yield [title, rule, *_errors(here, before), "1" if before else f"{wider:.1f} times"]


def _by_method(found: Mapping[str, Pairs]) -> Iterator[list[object]]:
    """Yield how often the verdict errs, method by method, and its words."""
    for title, pairs in found.items():
        for method in METHODS:
            if here := _of(pairs, kind(method, kept=False)):
                yield [title, method, *_errors(here, before=False), _words(here)]


def _power(found: Mapping[str, Pairs]) -> Iterator[list[object]]:
    """Yield what is said of arms that are better, and of those that are worse."""
    for title, pairs in found.items():
        for share in SHARES:
            new, again = (_of(pairs, kind(name, kept=False)) for name in more(share))
            gain = np.mean([one.mean for one in new.values()])
            helps = (
                rate({pair: word(one) == "helps" for pair, one in new.items()})
                for word in (lambda one: one.before, lambda one: one.word)
            )
            yield [title, f"+{share:.0%}", f"{gain:+.1f} points", *helps, _words(again)]


def _of(pairs: Pairs, *kinds: str) -> Pairs:
    """Return the pairs whose first arm is of one of these kinds."""
    return {pair: said for pair, said in pairs.items() if kind_of(pair.first) in kinds}


def _errors(pairs: Pairs, before: bool) -> list[object]:
    """Return the number of pairs, and how often each false claim is made.

    `helps` and `harms` count once for two arms, whichever is said to be better.
    """
    words = {pair: one.before if before else one.alone for pair, one in pairs.items()}
    once = [pair for pair in pairs if pair.first < pair.second]
    either = [
        rate({pair: word in (words[pair], words[Pair(*reversed(pair))]) for pair in once})
        for word in ("helps", "harms")
    ]
    above = "–" if before else rate({pair: one.above for pair, one in pairs.items()})
    return [len(once), *either, above]


def _words(pairs: Pairs) -> str:
    """Return the words that are said, with shares, the most frequent first."""
    counts = Counter(one.word for one in pairs.values())
    return ", ".join(f"{word} {count / len(pairs):.0%}" for word, count in counts.most_common())


if __name__ == "__main__":
    script.run(main)
