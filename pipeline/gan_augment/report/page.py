"""The report: one self-contained HTML page, verdict first."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from gan_augment.decision import NOTHING_MADE, Decision, decide
from gan_augment.params import AssembleParams, ReportParams
from gan_augment.recipe import of_shipped
from gan_augment.report import findings, forest, pictures
from gan_augment.report.ranking import ranked
from gan_augment.table import Images

KINDS = {"gan": "With the GAN", "plain": "Without a GAN", "control": "Controls, never recommended"}
TITLES = {
    "helps": "The synthetic images help",
    "level": "Level with a simpler method",
    "undecided": "Undecided",
    "no gain": "The synthetic images gain nothing worth having",
    "worse": "A simpler method is better",
    "harms": "The synthetic images harm",
    NOTHING_MADE: "No synthetic image was made",
}
NOISE = {
    "as well": "Noise does as well",
    "not told apart": "Not told apart from noise",
    "": "",
}
POSITIVE = ("helps", "level", "undecided")
METRICS = {
    "balanced_accuracy": "balanced accuracy, %",
    "accuracy": "accuracy, %",
    "macro_f1": "macro-F1, %",
    "g_mean": "G-mean, %",
    "auroc": "AUROC, %",
    "ece": "expected calibration error, % (0 is best)",
}


def render(
    verdict: Mapping[str, Any],
    repeats: pd.DataFrame,
    real: Images,
    synthetic: Images,
    folders: Mapping[str, Path],
    params: ReportParams,
    assemble: AssembleParams,
) -> str:
    """Return the page as HTML; it needs no network and no script.

    Args:
        verdict: content of verdict.json.
        repeats: the tidy table of scores.
        real: the train split.
        synthetic: data/synthetic.
        folders: `ingest`, `synthesis` and `history`, the reports of these stages, and `model`; a
            section is left out if its files are not there.
        params: the section `report`.
        assemble: the section `assemble`.
    """
    overall, classifiers, settings = (
        verdict[key] for key in ("overall", "classifiers", "settings")
    )
    made, data = findings.synthesis(folders["synthesis"]), findings.data(folders["ingest"])
    ships = decision(assemble, verdict, made["memorisation"] if made else None)
    roles = {overall["alternative"]: "alternative", overall["gan_arm"]: "gan"}
    compared = [arm for arm in dict.fromkeys(["real", *roles]) if arm]
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            data_name=params.data,
            overall=overall,
            headline=headline(overall),
            classifiers=classifiers,
            ships=ships,
            recipe=of_shipped(verdict, ships.arm) if ships else None,
            compared=compared,
            roles=roles,
            groups=_groups(overall, verdict["kinds"]),
            scale=forest.scale(
                [*overall["arms"].values(), *overall["alternatives"].values()],
                settings["min_gain"],
            ),
            arms=ranked(overall, classifiers),
            classes=_classes(overall, real, synthetic, compared),
            metrics=_metrics(repeats, _counting(classifiers), compared),
            test_images=_test_images(data),
            strips=pictures.strips(real, synthetic),
            most_classes=pictures.MOST_CLASSES,
            synthesis=made,
            training=findings.training(folders["history"], folders["model"]),
            data=data,
            settings=settings,
            written_settings=yaml.safe_dump(settings, sort_keys=False),
            provenance=verdict["provenance"],
        )
    )


def headline(overall: Mapping[str, Any]) -> str:
    """Return `overall` of verdict.json in a few words; if they are good, what noise does, too."""
    word = overall["verdict"]
    said = NOISE[overall["noise"]] if word in POSITIVE else ""
    return ". ".join(filter(None, (TITLES[word], said)))


def decision(
    params: AssembleParams, verdict: Mapping[str, Any], memorisation: Mapping[str, Any] | None
) -> Decision | None:
    """Return what `assemble` makes of the verdict.

    Args:
        params: the section `assemble`.
        verdict: content of verdict.json.
        memorisation: content of memorisation.json, if there is one.
    """
    if not verdict.get("recipes"):
        return None
    return decide(params, verdict, memorisation or {"passed": None, "reasons": []})


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("gan_augment", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = _percent
    environment.filters["points"] = _points
    environment.filters["p"] = _p
    environment.filters["number"] = _number
    environment.filters["arm"] = _arm
    environment.filters["minus"] = _minus
    return environment


def _arm(name: str) -> Markup:
    """Return an arm's name, which may go on in another line after a plus."""
    return Markup("+<wbr>").join(escape(part) for part in name.split("+"))


def _minus(sentence: str) -> str:
    """Return a sentence with the signs of its negative numbers as the tables have them."""
    return re.sub(r"(?<!\w)-(?=\d)", "−", sentence)


def _number(value: float) -> str:
    return "–" if pd.isna(value) else f"{value:.3g}".replace("-", "−")


def _percent(share: float) -> str:
    return "–" if pd.isna(share) else f"{100 * share:.1f}"


def _points(share: float, places: int = 1) -> str:
    """Return a difference of shares in points with its sign, e.g. "+1.2", "−0.4" or "0.0"."""
    value = round(100 * share, places) + 0.0
    return f"{value:+.{places}f}".replace("-", "−") if value else f"{0:.{places}f}"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _groups(
    overall: Mapping[str, Any], kinds: Mapping[str, str]
) -> list[tuple[str, list[tuple[str, dict[str, float]]]]]:
    """Return the arms that are compared with real images alone, by kind, best first."""
    ranked = sorted(overall["arms"].items(), key=lambda item: -item[1]["mean"])
    grouped = [
        (title, [item for item in ranked if kinds[item[0]] == kind])
        for kind, title in KINDS.items()
    ]
    return [(title, arms) for title, arms in grouped if arms]


def _classes(
    overall: Mapping[str, Any], real: Images, synthetic: Images, compared: Iterable[str]
) -> list[dict[str, Any]]:
    """Return a line a class: its training images, and what was found on test images, if any."""
    lines = []
    counts = zip(real.classes, real.counts(), synthetic.counts(), strict=True)
    for name, n_real, n_synthetic in counts:
        found = overall["classes"].get(name)
        recall = found["recall"] if found else {}
        lines.append(
            {
                "name": name,
                "real": int(n_real),
                "synthetic": int(n_synthetic),
                "recall": [recall.get(arm, float("nan")) for arm in compared],
                "found": found,
            }
        )
    return lines


def _counting(classifiers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the classifiers whose mean the verdict is about: those that saw the GAN, or all."""
    return [name for name, found in classifiers.items() if found["gan_arm"]] or list(classifiers)


def _metrics(
    repeats: pd.DataFrame, classifiers: list[str], compared: list[str]
) -> dict[str, list[float]]:
    """Return for each metric the means of the compared arms on test images.

    Args:
        repeats: the tidy table of scores.
        classifiers: those that count.
        compared: the arms.
    """
    test = repeats[(repeats["split"] == "test") & repeats["classifier"].isin(classifiers)]
    means = test[test["class"] == ""].groupby(["metric", "arm"])["value"].mean()
    known = set(means.index.get_level_values("metric"))
    return {
        title: [float(means.get((metric, arm), float("nan"))) for arm in compared]
        for metric, title in METRICS.items()
        if metric in known
    }


def _test_images(data: Mapping[str, Any] | None) -> int | None:
    return int(data["counts"]["test"].sum()) if data and "test" in data["counts"] else None
