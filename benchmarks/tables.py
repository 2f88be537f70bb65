"""The report of `gan_training` as Markdown."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from benchmarks.race import CONTESTANTS, duration
from gan_augment.markdown import table

Report = Mapping[str, Any]


def markdown(report: Report) -> str:
    """Return what a run found: a table, what it means, who took part, and the goals."""
    rates = [
        f"{rate / 1e9:.0f} GFLOP/s in {precision}"
        for precision, rate in report["flops_per_s"].items()
    ]
    machine = [f"{key} {value}" for key, value in report["machine"].items()]
    return f"""\
{_table(_results(report))}

CAS: balanced accuracy on held-out images of an RBF-SVM that {report["terms"]["per_class"]} images a
class have taught. KID: between these and the held-out images, by {report["features"]}, a network
trained on the training images alone; compare it within this table only. The limit is how many
images a second would be trained on if every counted operation ran as fast as in the fastest matrix
product of the same precision: {", ".join(rates)} ({", ".join(machine)}).

{_list(_notes(report["contestants"]))}

{judged(report["goals"])}"""


def _results(report: Report) -> Iterator[list[str]]:
    terms = report["terms"]
    times = [duration(mark) for mark in terms["marks"]]
    yield [
        "",
        "training, images/s",
        "share of the limit",
        "generation, images/s",
        *[f"CAS, {time}" for time in times],
        *[f"KID ×10³, {time}" for time in times],
    ]
    for n, scores in report["real"].items():
        # KID compares at equal numbers only.
        kid = _kid(scores) if n == terms["per_class"] else "–"
        cells = [*[_cas(scores)] * len(times), *[kid] * len(times)]
        yield [f"real images, {n} a class", "–", "–", "–", *cells]
    for name, result in report["contestants"].items():
        if "skipped" not in result:
            yield [
                CONTESTANTS[name].title,
                f"{result['train_images_per_s']:.0f}",
                f"{result['share'][result['precision']]:.0%}",
                f"{result['sample_images_per_s']:.3g}",
                *map(_cas, result["marks"]),
                *map(_kid, result["marks"]),
            ]


def _notes(contestants: Mapping[str, Report]) -> Iterator[str]:
    for name, result in contestants.items():
        if "skipped" in result:
            yield f"{CONTESTANTS[name].title}: left out, {result['skipped']}."
            continue
        precision = [result["precision"]]
        if precision == ["float32"]:
            precision.append(f"{result['share']['bfloat16']:.0%} of the limit in bfloat16")
        settings = [f"{key}: {value}" for key, value in result["settings"].items()]
        versions = [" ".join(pair) for pair in result["versions"].items()]
        details = [*settings, *precision, *versions]
        yield f"{CONTESTANTS[name].title}: {'; '.join(details)}."


def judged(goals: Iterable[Report]) -> str:
    """Return what `goals` found, as a table."""
    rows = (
        [row["goal"], row["wanted"], row["reached"], "yes" if row["met"] else "no"] for row in goals
    )
    return table(["goal", "wanted", "reached", "met"], rows)


def _table(rows: Iterator[list[str]]) -> str:
    head = next(rows)
    return table(head, rows)


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _cas(scores: Report) -> str:
    return "–" if scores["cas"] is None else f"{scores['cas']:.3f}"


def _kid(scores: Report) -> str:
    return "–" if scores["kid"] is None else f"{1000 * scores['kid']:.1f}"
