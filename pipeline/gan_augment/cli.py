"""The command line: one command a stage, thin; heavy imports happen inside commands."""

import functools
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gan_augment.params import Params

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"gan-augment {version('gan-augment')}")
        raise typer.Exit


def _there(root: Path) -> Path:
    """Refuse a folder that is none, before anything looks into it or makes it."""
    from gan_augment.errors import UserError

    if not root.is_dir():
        said = "is a file, not a folder" if root.exists() else "is not there"
        raise UserError(f"--root {root} {said}: name the folder of your project")
    return root


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Synthetic images for small labelled sets, with proof of whether they help."""
    del version


ParamsFile = Annotated[Path, typer.Option("--params", help="Settings of all stages.")]
Real = Annotated[Path, typer.Option(help="Image table of real images.")]
Features = Annotated[Path, typer.Option(help="What a backbone sees in the real images.")]
Findings = Annotated[Path, typer.Option(help="Folder of what ingestion found in the images.")]
Model = Annotated[Path, typer.Option(help="Folder of the trained generator.")]
History = Annotated[Path, typer.Option(help="Folder of the training history.")]
Synthetic = Annotated[Path, typer.Option(help="Image table of synthetic images.")]
Draws = Annotated[Path, typer.Option(help="Image table of other draws of the synthetic images.")]
Synthesis = Annotated[Path, typer.Option(help="Folder of what is known of the synthetic images.")]
Reports = Annotated[Path, typer.Option(help="Folder of verdict, metrics and report.")]
Augmented = Annotated[Path, typer.Option(help="Image table that users pull.")]
Trained = Annotated[Path, typer.Option("--model", help="Folder of the classifier.")]
Root = Annotated[Path, typer.Option(help="Folder of the project.", callback=_there)]
Scratch = Annotated[Path, typer.Option(help="Folder of what a killed run needs to go on.")]
Artifact = Annotated[str, typer.Option(help="Name in dvc.yaml of what is published.")]
Url = Annotated[str, typer.Argument(metavar="URL", help="Git repository: an address or a folder.")]

PARAMS = Path("params.yaml")
REAL = Path("data/real")
FEATURES = Path("data/features")
FINDINGS = Path("reports/ingest")
MODEL = Path("models/generator")
HISTORY = Path("reports/training")
SYNTHETIC = Path("data/synthetic")
DRAWS = Path("data/draws")
SYNTHESIS = Path("reports/synthesis")
REPORTS = Path("reports")
AUGMENTED = Path("data/augmented")
CLASSIFIER = Path("models/classifier")
EMBED_SCRATCH = Path(".scratch/embed")
TRAIN_SCRATCH = Path(".scratch/train")
GENERATE_SCRATCH = Path(".scratch/generate")
EVALUATE_SCRATCH = Path(".scratch/evaluate")
STUDY_SCRATCH = Path(".scratch/study")
CURVE_SCRATCH = Path(".scratch/curve")
INTERRUPTED = 130
SIZES = [10, 20, 50, 100, 200]


def _stage(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that is alone at work in its folder."""

    @functools.wraps(command)
    def alone(*arguments: object, **options: object) -> None:
        from gan_augment.alone import at_work

        with at_work(command.__name__):
            command(*arguments, **options)

    return alone


@app.command()
@_stage
def ingest(params: ParamsFile = PARAMS, real: Real = REAL, findings: Findings = FINDINGS) -> None:
    """Read raw images, check and split them, write data/real."""
    settings = _load(params)
    from gan_augment.ingest import stage

    stage.run(settings.ingest, {}, {"real": real, "report": findings})


@app.command()
@_stage
def embed(
    params: ParamsFile = PARAMS,
    real: Real = REAL,
    features: Features = FEATURES,
    scratch: Scratch = EMBED_SCRATCH,
) -> None:
    """Write what a pretrained network sees in the images; killed and started again, it resumes."""
    settings = _load(params)
    from gan_augment.embed import stage

    stage.run(settings.embed, {"real": real}, {"features": features, "scratch": scratch})


@app.command()
@_stage
def train(
    params: ParamsFile = PARAMS,
    real: Real = REAL,
    features: Features = FEATURES,
    model: Model = MODEL,
    history: History = HISTORY,
    scratch: Scratch = TRAIN_SCRATCH,
) -> None:
    """Train the generator; killed and started again, it resumes."""
    settings = _load(params)
    from gan_augment.gan import stage
    from gan_augment.synthesis import plan

    plan.check(settings.generate, real)
    outputs = {"model": model, "history": history, "scratch": scratch}
    inputs = {"real": real, "features": features}
    stage.run(settings.train, inputs, outputs, settings.generate.space)


@app.command()
@_stage
def generate(
    params: ParamsFile = PARAMS,
    real: Real = REAL,
    features: Features = FEATURES,
    model: Model = MODEL,
    synthetic: Synthetic = SYNTHETIC,
    draws: Draws = DRAWS,
    findings: Synthesis = SYNTHESIS,
    scratch: Scratch = GENERATE_SCRATCH,
) -> None:
    """Draw synthetic images, let the good ones through, write data/synthetic and data/draws."""
    settings = _load(params, check_names=False)
    from gan_augment.synthesis import stage

    inputs = {"real": real, "features": features, "model": model}
    outputs = {"synthetic": synthetic, "draws": draws, "report": findings, "scratch": scratch}
    stage.run(settings.generate, inputs, outputs, settings.evaluate.sets)


@app.command()
def sample(
    model: Model = MODEL,
    out: Annotated[Path, typer.Option(help="PNG to write.")] = Path("sample.png"),
    class_name: Annotated[
        str | None, typer.Option("--class", help="Only this class, in five rows.")
    ] = None,
    columns: Annotated[int, typer.Option(min=2, max=100, help="Images in a row.")] = 10,
    interpolate: Annotated[
        bool, typer.Option("--interpolate", help="Go from one latent to another along each row.")
    ] = False,
    truncation: Annotated[
        float | None, typer.Option(min=0.01, help="Bound of the latents: smaller, more typical.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Other images.")] = 0,
) -> None:
    """Draw a picture of what the generator makes: classes in rows, latents in columns."""
    from gan_augment.gan.model import load
    from gan_augment.storage import replace_file
    from gan_augment.synthesis import pictures

    draw = pictures.interpolation if interpolate else pictures.grid
    picture = draw(load(model), class_name, columns, seed, truncation)
    with replace_file(out) as partial:
        picture.save(partial, "PNG")
    print(f"sample: {out}")


@app.command()
def trace(
    identity: Annotated[str, typer.Argument(metavar="ID", help="Id of a row, or its start.")],
    images: Annotated[Path, typer.Option("--table", help="Image table to look in.")] = SYNTHETIC,
    model: Model = MODEL,
    real: Real = REAL,
    features: Features = FEATURES,
    out: Annotated[Path | None, typer.Option(help="PNG to draw the image into.")] = None,
) -> None:
    """Tell where an image comes from; make a synthetic one again, and compare."""
    import numpy as np

    from gan_augment import table
    from gan_augment.errors import UserError
    from gan_augment.gan.model import load
    from gan_augment.sheet import ALONE, contact_sheet
    from gan_augment.storage import replace_file
    from gan_augment.synthesis.trace import described, find, regenerate, remake

    pixels, row = find(images, identity)
    space = table.space(images) if pixels.ndim == 1 else None
    if out and space:
        raise UserError(
            f"--out: {images} holds features of {space.backbone}, which have no picture"
        )
    print("\n".join(described(row, table.class_names(images))))
    if row["origin"] == "synthetic":
        by_gan = row["method"] == "gan"
        start = table.samples({"real": real, "features": features}) if space else real
        again = regenerate(row, load(model)) if by_gan else remake(row, images, start)
        if not np.array_equal(again, pixels):
            raise UserError("made again, the image differs: other versions or another processor?")
        source = "generator" if by_gan else "real images"
        unit = "number for number" if space else "pixel for pixel"
        print(f"made again from {source}, seed and index: the same, {unit}")
    if out:
        with replace_file(out) as partial:
            contact_sheet([pixels[None]], 1, visible=ALONE).save(partial, "PNG")


@app.command()
def export(
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
    form: Annotated[str, typer.Option("--format", help="folder, webdataset or npz.")] = "folder",
    images: Annotated[Path, typer.Option("--table", help="Image table to export.")] = AUGMENTED,
) -> None:
    """Write an image table as a folder of PNGs, as webdataset shards or as numpy arrays."""
    from gan_augment.export import export

    export(images, out, form)


@app.command()
@_stage
def evaluate(
    params: ParamsFile = PARAMS,
    real: Real = REAL,
    features: Features = FEATURES,
    findings: Findings = FINDINGS,
    model: Model = MODEL,
    synthetic: Synthetic = SYNTHETIC,
    draws: Draws = DRAWS,
    reports: Reports = REPORTS,
    scratch: Scratch = EVALUATE_SCRATCH,
) -> None:
    """Compare classifiers with and without synthetic images, reach the verdict."""
    settings = _load(params)
    from gan_augment.evaluation import stage

    inputs = {
        "real": real,
        "features": features,
        "ingest": findings,
        "synthetic": synthetic,
        "draws": draws,
        "model": model,
    }
    outputs = {
        "outcomes": reports / "outcomes.parquet",
        "repeats": reports / "repeats.csv",
        "arms": reports / "arms.csv",
        "lifts": reports / "lifts.csv",
        "metrics": reports / "metrics.json",
        "verdict": reports / "verdict.json",
        "scratch": scratch,
    }
    also = settings.embed.weights, settings.generate.space
    stage.run(settings.evaluate, inputs, outputs, *also)


@app.command()
@_stage
def report(
    params: ParamsFile = PARAMS,
    real: Real = REAL,
    findings: Findings = FINDINGS,
    model: Model = MODEL,
    history: History = HISTORY,
    synthetic: Synthetic = SYNTHETIC,
    synthesis: Synthesis = SYNTHESIS,
    reports: Reports = REPORTS,
) -> None:
    """Write what was found as one page; nothing is computed again."""
    settings = _load(params, check_names=False)
    from gan_augment.report import stage

    inputs = {
        "verdict": reports / "verdict.json",
        "repeats": reports / "repeats.csv",
        "real": real,
        "ingest": findings,
        "model": model,
        "history": history,
        "synthetic": synthetic,
        "synthesis": synthesis,
    }
    outputs = {"report": reports / "report.html"}
    stage.run(settings.report, inputs, outputs, settings.assemble)


@app.command()
@_stage
def assemble(
    params: ParamsFile = PARAMS,
    real: Real = REAL,
    features: Features = FEATURES,
    synthetic: Synthetic = SYNTHETIC,
    findings: Synthesis = SYNTHESIS,
    reports: Reports = REPORTS,
    augmented: Augmented = AUGMENTED,
) -> None:
    """Put together the dataset that users pull, as far as the verdict allows."""
    settings = _load(params, check_names=False)
    from gan_augment.assemble import stage

    inputs = {
        "real": real,
        "features": features,
        "synthetic": synthetic,
        "memorisation": findings / "memorisation.json",
        "verdict": reports / "verdict.json",
    }
    also = settings.embed.weights, settings.generate.space
    stage.run(settings.assemble, inputs, {"augmented": augmented}, *also)


@app.command()
@_stage
def classifier(
    params: ParamsFile = PARAMS, augmented: Augmented = AUGMENTED, model: Trained = CLASSIFIER
) -> None:
    """Train the classifier that ships, on data/augmented by its recipe."""
    settings = _load(params, check_names=False)
    from gan_augment.classifier import stage

    inputs, outputs = {"augmented": augmented}, {"classifier": model}
    stage.run(settings.classifier, inputs, outputs, settings.embed.weights)


@app.command()
def study(
    params: ParamsFile = PARAMS,
    replicates: Annotated[int, typer.Option(help="How often, at least 6.")] = 6,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("reports/study"),
    scratch: Scratch = STUDY_SCRATCH,
) -> None:
    """Run everything from other seeds, splits and generators included: does the verdict hold?"""
    settings = _load(params)
    from gan_augment.study import study

    study.run(settings, replicates, {"study": out, "scratch": scratch})


@app.command()
def curve(
    params: ParamsFile = PARAMS,
    size: Annotated[list[int], typer.Option(help="Images of each class; repeat it.")] = SIZES,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("reports/curve"),
    scratch: Scratch = CURVE_SCRATCH,
) -> None:
    """Measure what synthetic images add, against the number of real ones."""
    settings = _load(params)
    from gan_augment.study import curve

    curve.run(settings, size, {"curve": out, "scratch": scratch})


@app.command()
def verdict(reports: Reports = REPORTS, augmented: Augmented = AUGMENTED) -> None:
    """Print the verdict, and where the report and the augmented dataset are."""
    from gan_augment.report.terminal import summary

    print(summary(reports / "verdict.json", reports / "report.html", augmented))


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the project.")],
    images: Annotated[
        Path | None,
        typer.Option(help="Folder or file of images; without, digits, or a set of torchvision."),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="A setting; repeat it."),
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option("--params", help="Settings to take from a file; --set overrides it."),
    ] = None,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Leave the images where they are.")
    ] = False,
) -> None:
    """Make a project around images, with settings that suit them."""
    from gan_augment.project import init

    given = {**init.read(settings), **init.parse(assignments or [])}
    said = init.init(folder, images, given, in_place, lambda step: print(f"{step} …", flush=True))
    print("\n".join(said))


@app.command()
def doctor(root: Root = Path()) -> None:
    """Look whether a run would work here, and say what to do."""
    from gan_augment.doctor.examine import examine
    from gan_augment.doctor.terminal import line, summary

    findings = []
    for finding in examine(root):
        findings.append(finding)
        typer.echo(line(finding))
    typer.echo(summary(findings))
    if any(finding.stops for finding in findings):
        raise typer.Exit(1)


@app.command()
def lock(root: Root = Path()) -> None:
    """Note in gan-augment.lock which code each stage uses; `dvc repro` does so first."""
    from gan_augment.project import code

    said = code.write(root)
    for sentence in said:
        print(f"lock: {sentence}")
    if said:  # other code may know other settings, and have other stages
        from gan_augment import schema
        from gan_augment.project import stages

        schema.write(root)
        if advice := stages.outdated(root):
            print(f"lock: {advice}")


@app.command()
def publish(
    artifact: Artifact = "augmented",
    bump: Annotated[str, typer.Option(help="What goes up: major, minor or patch.")] = "minor",
    branch: Annotated[str, typer.Option(help="Where versions go.")] = "published",
    git_remote: Annotated[str, typer.Option(help="Name of the git remote.")] = "origin",
    override: Annotated[
        str | None, typer.Option(help="Why to publish although the verdict does not suffice.")
    ] = None,
) -> None:
    """Make what is built here a version that others can pull."""
    from gan_augment.errors import UserError
    from gan_augment.lock import warn
    from gan_augment.versions.lock import exclusive
    from gan_augment.versions.publish import Refused, publication, publish

    settings = publication(
        artifact=artifact, bump=bump, branch=branch, git_remote=git_remote, override=override
    )
    with exclusive(Path(), 0, warn) as lock:
        try:
            release = publish(Path(), settings, hold=[lock])
        except Refused as refused:
            how = (
                ""
                if refused.final
                else "; --override REASON publishes what is assembled all the same"
            )
            raise UserError(f"{refused}{how}") from refused
    if not release.is_new:
        print(f"{release.tag} is this already: nothing to publish")


@app.command()
def versions(url: Url, artifact: Artifact = "augmented") -> None:
    """List what is published: date, verdict, what ships and how many images."""
    from gan_augment.versions import list_versions
    from gan_augment.versions.terminal import listing, show

    show(listing(list_versions(url, artifact)))


@app.command()
def pull(
    address: Annotated[
        str,
        typer.Argument(metavar="URL[@TAG]", help="Git repository, and which version."),
    ],
    out: Annotated[Path | None, typer.Option(help="Folder to write to.")] = None,
    form: Annotated[
        str, typer.Option("--format", help="parquet, folder, webdataset or npz.")
    ] = "parquet",
    artifact: Artifact = "augmented",
) -> None:
    """Fetch a published version, once; print where it is."""
    from gan_augment.errors import UserError
    from gan_augment.versions.download import fetch
    from gan_augment.versions.tags import split_address

    if out is None and form != "parquet":
        raise UserError(f"--format {form} writes a folder: name it by --out")
    url, tag = split_address(address)
    pulled = fetch(url, tag, artifact)
    print(pulled.told, file=sys.stderr)
    if out is not None:
        from gan_augment.versions.unpack import unpack

        unpack(pulled.path, out, form)
    print(pulled.path if out is None else out)


@app.command()
def classify(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="Files, and folders of images.")
    ],
    model: Trained = CLASSIFIER,
    repo: Annotated[
        str | None, typer.Option(metavar="URL", help="Git repository to take it from instead.")
    ] = None,
    version: Annotated[
        str | None, typer.Option(metavar="TAG", help="Which version; else the latest.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Weights of the backbone, where they came from a file.")
    ] = None,
) -> None:
    """Say what images show: file, class and probability a line, with tabs between."""
    from gan_augment.classifier import files
    from gan_augment.classifier.classifier import Classifier
    from gan_augment.errors import UserError

    if version and not repo:
        raise UserError("--version is of a repository: name it by --repo")
    if repo:
        from gan_augment.versions import pull

        model = pull(repo, version, CLASSIFIER.name)
    classifier, found = Classifier(model, weights), files.find(images)
    for sentence in found.told:
        print(sentence, file=sys.stderr)
    faults = 0
    for said in files.classify(classifier, found.paths):
        faults += bool(said.fault)
        print(said.line, file=sys.stderr if said.fault else sys.stdout, flush=True)
    if faults:
        raise UserError(f"{faults} of {len(found.paths)} files could not be read")


@app.command()
def diff(
    url: Url,
    before: Annotated[str, typer.Argument(metavar="TAG", help="A version, such as v1.0.0.")],
    after: Annotated[str, typer.Argument(metavar="TAG", help="Another.")],
    artifact: Artifact = "augmented",
) -> None:
    """Compare two published versions: counts, classes, verdict, lift and fidelity."""
    from gan_augment.versions.compare import compare
    from gan_augment.versions.terminal import comparison, show

    show(comparison(*compare(url, before, after, artifact)))


def _load(path: Path, *, check_names: bool = True) -> "Params":
    """Read the settings; check every name in them too where long work may begin."""
    from gan_augment import params

    settings = params.load(path)
    if check_names:
        from gan_augment import names

        names.check(settings)
    return settings


def main() -> None:
    """Run the command line; what a user can put right is one message and exit code 1.

    To be terminated, as by a scheduler or a container that ends, is to be interrupted.
    """
    from gan_augment.errors import UserError, of_a_file, of_the_disk
    from gan_augment.printable import readable

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app()
    except UserError as error:
        lines = map(readable, str(error).splitlines())
        print("error:", "\n".join(lines), file=sys.stderr)
        sys.exit(1)
    except (KeyboardInterrupt, SystemExit) as stop:
        # typer makes an exit of an interrupt, and says nothing.
        if isinstance(stop, SystemExit) and stop.code != INTERRUPTED:
            raise
        print("stopped; what was finished is kept, and the same command goes on", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except MemoryError as error:
        print(f"error: not enough memory{f' ({error})' if str(error) else ''}", file=sys.stderr)
        sys.exit(1)
    except Exception as error:
        if said := of_the_disk(error):
            said += "; the same command goes on"
        elif not (said := of_a_file(error)):
            raise
        print(f"error: {readable(said)}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
