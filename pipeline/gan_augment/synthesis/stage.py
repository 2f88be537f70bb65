"""Generate: models/generator, or a simpler method, becomes data/synthetic and data/draws."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from gan_augment import mapped, table
from gan_augment.errors import UserError, choose
from gan_augment.gan import model
from gan_augment.params import GenerateParams
from gan_augment.progress import progress
from gan_augment.storage import fingerprint, replace_directory
from gan_augment.synthesis import gates, plan, report
from gan_augment.synthesis.baselines import BASELINES
from gan_augment.synthesis.gates.evidence import Evidence
from gan_augment.synthesis.gates.second import SecondBackbone, other_than
from gan_augment.synthesis.gates.sight import Gate
from gan_augment.synthesis.sets import Sets
from gan_augment.table import Images
from gan_augment.temporary import scratch_of


def run(
    params: GenerateParams,
    inputs: Mapping[str, Path],
    outputs: Mapping[str, Path],
    sets: int = 1,
) -> None:
    """Write as many synthetic images of each class as the plan wants, and what is known of them.

    Then write as many again, `sets` − 1 times, each from another seed and through the same gates:
    what the repeats of a comparison use. Killed and started again with the same inputs and params,
    it goes on after the last block of images that it finished.

    Args:
        params: the section `generate`.
        inputs: `real`, an image table; `features`, what a backbone sees in its images, if any did;
            `model`, a trained generator, used by the method `gan` only.
        outputs: `synthetic`, an image table, and `draws`, another; `report`, a folder of plan.csv,
            gates.csv, fidelity.json, memorisation.json and closest.png, all about `synthetic`;
            `scratch`, where finished blocks are.
        sets: how often the plan is filled, `synthetic` included.

    Raises:
        UserError: the generator was trained on other classes, or without classes; a class has too
            few real images, or the gates reject nearly all of it, and there is no fallback.
    """
    check_names(params)
    samples = table.samples(inputs, params.space)
    real, validation = (
        mapped.read(samples, split, outputs["scratch"]) for split in ("train", "validation")
    )
    counts = plan.wanted(params.plan, real.counts(), real.classes)
    methods = plan.methods(params, counts, real.counts(), real.classes)
    more = f", and {sets - 1} more draws of as many" if sets > 1 else ""
    print(f"generate: {counts.sum()} images{more}")
    print(plan.shown(counts, real.counts(), methods, real.classes), flush=True)
    if not counts.any():
        print(f"generate: {plan.empty(params.plan, real.counts())}", flush=True)
    trained = _model(inputs["model"], real) if "gan" in methods and counts.any() else None
    hashes = [table.table_hash(samples, split) for split in ("train", "validation")]
    known_as = trained.hash if trained else "", repr(real.space)
    gated = trained and params.gates and samples == inputs["real"]
    second = _second(table.embedded(inputs)) if gated else None
    described = params.model_dump_json(), *known_as, repr(second), *hashes
    with scratch_of(outputs["scratch"], fingerprint(*described)) as scratch:
        judges: dict[str, Gate] = {}
        evidence: Evidence | None = None
        if trained:
            parts = real, validation, trained, params.keep_real, params.seed, scratch
            evidence = Evidence(*parts, second, params.truncation)
            judges = gates.fit(params.gates, evidence)
        same = Sets(params, real, counts, methods, trained, evidence if judges else None, judges)
        looked_at = report.Selection(real, validation, counts, params.seed)
        tally = _write(same, looked_at, outputs, sets, scratch)
    tried = [label for label, counts in sorted(tally.items()) if counts["all", "tried"]]
    for line in report.in_words(judges, tried, real.classes):
        print(f"generate: {line}")


def _write(
    same: Sets, looked_at: report.Selection, outputs: Mapping[str, Path], sets: int, scratch: Path
) -> Mapping[int, Counter[tuple[str, str]]]:
    """Write the images of all sets, and what is known of the first; return what its gates did."""
    sampler, classes, space = same.sampler(0, scratch), same.real.classes, same.real.space
    with (
        replace_directory(outputs["report"]) as folder,
        table.Writer(outputs["synthetic"], classes, space=space) as synthetic,
        table.Writer(outputs["draws"], classes, space=space) as others,
        progress("generate", sets * int(same.counts.sum()), "images") as advance,
    ):
        done = 0
        for rows in same.rows(0, sampler):
            synthetic.append(rows)
            looked_at.add(rows)
            done += len(rows)
            advance(done)
        for rows in same.others(range(1, sets), scratch):
            others.append(rows)
            done += len(rows)
            advance(done)
        tally = sampler.tally if sampler else {}
        report.write(folder, same.params, same.trained, looked_at, tally, same.judges, scratch)
    return tally


def check_names(params: GenerateParams) -> None:
    """Refuse a method, fallback or gate that does not exist.

    Raises:
        UserError: names the key, the value and what is allowed.
    """
    choose({"gan": None, **BASELINES}, params.method, "generate.method")
    if params.fallback is not None:
        choose(BASELINES, params.fallback, "generate.fallback")
    for name in params.gates:
        choose(gates.GATES, name, "generate.gates")


def _second(embedded: Path | None) -> SecondBackbone | None:
    """Return the backbone through which gates look at images that another judges, if there is."""
    judging = table.space(embedded) if embedded else None
    if judging is None:
        return None
    second = other_than(judging)
    told = (
        f"gates look through {second.space.backbone}, since {judging.backbone} judges"
        if second
        else "gates learn from pixels: for a second backbone, pip install 'gan-augment[backbones]'"
    )
    print(f"generate: {told}", flush=True)
    return second


def _model(folder: Path, real: Images) -> model.Model:
    """Return the generator.

    Raises:
        UserError: it knows other classes than the images, or none.
    """
    trained = model.load(folder)
    if trained.classes != real.classes:
        raise UserError(
            f"{folder} was trained on the classes {', '.join(trained.classes)}, but the images "
            f"have {', '.join(real.classes)}: run `dvc repro train`"
        )
    if trained.space != real.space:
        made, seen = (
            space.backbone if space else "pixels" for space in (trained.space, real.space)
        )
        raise UserError(
            f"{folder} makes {made}, and the images are seen as {seen}, of other weights or sizes: "
            "run `dvc repro train`"
        )
    if not trained.conditional:
        raise UserError(
            f"{folder} heeds no classes, so its images would have no labels: set "
            "train.conditional to true"
        )
    return trained
