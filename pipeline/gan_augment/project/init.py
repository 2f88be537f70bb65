"""`gan-augment init`: a project around the installed component, with settings that suit its images.

What a project holds is few and small, since the logic stays in the package. Nothing that is there
already is overwritten, and if something fails, what was made is taken away again.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from gan_augment import params as settings_file
from gan_augment import schema
from gan_augment.errors import UserError
from gan_augment.ingest.sources.walk import walk
from gan_augment.lock import locked
from gan_augment.params import Params
from gan_augment.plain_yaml import parse as parse_yaml
from gan_augment.printable import readable
from gan_augment.project import code, repository
from gan_augment.project.amend import amend, inline
from gan_augment.project.made import Made
from gan_augment.project.recognise import recognise
from gan_augment.project.settings import Choice, between, choose
from gan_augment.project.survey import Survey, survey

COPIED = {
    "dvc.yaml": "stages.yaml",  # DVC takes every dvc.yaml below a project for a part of it
    "prefect.yaml": "prefect.yaml",
    ".dvc/plots/forest.json": "forest.json",
}
"""Files of a project that are those of the package."""
OWN = (*COPIED, "params.yaml", "README.md", str(schema.FILE), str(code.FILE))
LOCK = Path(".scratch/locks/init")
RAW = Path("data/raw")
ROOM = 2.2
"""Bytes on disk for a byte of images: in DVC's cache, in the checkout, and some to spare."""


@dataclass(frozen=True)
class Images:
    """Where the images of a new project come from, and where they will be.

    Attributes:
        source: the file or folder as it was named; None for the digits that are built in.
        place: `ingest.path` of the project.
        copied: whether they are copied there; else they are left where they are.
    """

    source: Path | None
    place: Path
    copied: bool

    @property
    def described(self) -> str:
        """What the project's README says of them."""
        if self.source is None:
            return "The images are scikit-learn's digits, which are built in."
        if self.copied or not self.place.is_absolute():
            return (
                f"The images are in `{self.place}`, tracked by DVC. When they change: "
                f"`dvc add {self.place}`, `dvc repro`."
            )
        return (
            f"The images are not part of the project: they are read at `{self.place}`, and nobody "
            "who clones it has them. When there is room, bring them in: "
            f"`dvc add --out {RAW / self.place.name} {self.place}`, and "
            f"`path: {RAW / self.place.name}` in `params.yaml`."
        )


def init(
    root: Path,
    source: Path | None,
    given: Mapping[str, Any],
    in_place: bool = False,
    on_step: Callable[[str], None] = lambda _: None,
) -> list[str]:
    """Make a project in `root`; return what there is to say of it, line by line.

    Args:
        root: its folder, made if need be.
        source: folder or file of images; None for the digits that are built in, or for what
            torchvision downloads if that is the given `ingest.source`.
        given: settings of params.yaml by their dotted names, which override what would be chosen.
        in_place: leave the images where they are even if there is room for them.
        on_step: takes what is done now, where that may last.

    Raises:
        UserError: something is there already, the images cannot be read, a setting is not valid,
            or git or DVC fails.
    """
    repository.needs_tools()
    _refuse_other_than_utf8(root, "")
    _refuse_a_project(root)
    if "ingest.path" in given:
        raise UserError("ingest.path: name the images with --images, and init sets the path")
    text = _file("params.yaml")
    images, choices, found = Images(None, RAW, copied=False), list[Choice](), None
    with _undone_if_it_fails(Made()) as downloaded:
        if source is None:
            source = _downloads(root, _checked(_amended(text, given)).ingest.source, downloaded)
        if source is not None:
            _refuse_other_than_utf8(source, "--images ")
            text, place, found, choices = _suited(text, source, given, on_step)
            images = _place(root, place, in_place)
            text = amend(text, "ingest.path", str(images.place))
        text = _amended(text, given)
        _checked(text)
        on_step(f"making the project in {root}")
        with _alone(root) as made, _written(root):
            _start(root, made)
            if images.copied:
                on_step(f"copying the images to {images.place}")
            brought = _bring_in(root, images, made)  # may last: if killed there, init can be rerun
            _write(root, text, images, found, made)
            commit = _commit(root, brought)
    return _summary(root, images, found, choices, given, commit)


def parse(assignments: Sequence[str]) -> dict[str, Any]:
    """Return settings of the form `section.key=value`, the values read as YAML, by their names.

    Raises:
        UserError: one is not of that form.
    """
    given = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals or "." not in key:
            raise UserError(f"--set {assignment}: write section.key=value, as train.steps=4000")
        given[key] = parse_yaml(value, f"--set {key}")
    return given


def read(path: Path | None) -> dict[str, Any]:
    """Return the settings that a params file has, or part of one, by their dotted names.

    Raises:
        UserError: as of `params.load`.
    """
    if path is None:
        return {}
    settings_file.load(path)
    content = parse_yaml(path.read_text(encoding="utf-8"), str(path)) or {}
    return {f"{name}.{key}": value for name, part in content.items() for key, value in part.items()}


def _refuse_a_project(root: Path) -> None:
    if there := [name for name in OWN if (root / name).exists()]:
        raise UserError(f"{root} holds {', '.join(there)} already: name another folder")


def _refuse_other_than_utf8(path: Path, option: str) -> None:
    try:
        str(path.resolve()).encode()
    except UnicodeEncodeError:
        raise UserError(
            f"{option}{readable(str(path.resolve()))}: a name that is not UTF-8, with which DVC "
            "cannot work: rename it"
        ) from None


def _downloads(root: Path, source: str, made: Made) -> Path | None:
    """Return the folder of the project that a source downloads its images to, None for the digits.

    Raises:
        UserError: it downloads none.
    """
    if source == "digits":
        return None
    if source != "torchvision":
        raise UserError(
            f"ingest.source = {source!r}: name its images with --images; digits and torchvision "
            "alone need none"
        )
    folder = root.resolve() / RAW
    with _written(root):
        made.note(folder)
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def _suited(
    text: str, source: Path, given: Mapping[str, Any], on_step: Callable[[str], None]
) -> tuple[str, Path, Survey, list[Choice]]:
    """Return settings that read the images, where these are now, what they are and what suits."""
    read = recognise(source.resolve(), given.get("ingest.source")) | _of_ingest(given)
    place = Path(read.pop("path"))
    text = _amended(text, {f"ingest.{key}": value for key, value in read.items()})
    text = amend(text, "ingest.scarcity", {})
    settled = _checked(_amended(text, given))
    looked_at = settled.ingest.model_copy(update={"path": place})
    on_step(f"looking at {looked_at.dataset or source}")
    found = survey(looked_at)
    called = looked_at.dataset or source.resolve().stem
    text = amend(text, "report.data", f"{called}, {date.today()}")
    choices = choose(found, looked_at, settled.embed)
    for key, value, reason in reversed(choices):
        if not any(_overlap(key, name) for name in given):
            text = amend(text, key, value, reason)
    return text, place, found, choices


def _of_ingest(given: Mapping[str, Any]) -> dict[str, Any]:
    own = ("source", "files", "annotations")
    return {key: given[f"ingest.{key}"] for key in own if f"ingest.{key}" in given}


def _overlap(one: str, other: str) -> bool:
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


def _amended(text: str, values: Mapping[str, Any]) -> str:
    for key, value in values.items():
        try:
            text = amend(text, key, value)
        except KeyError:
            text += f"\n{yaml.safe_dump({key.split('.')[0]: {}})}"  # for the check to refuse
    return text


def _checked(text: str) -> Params:
    return settings_file.check(parse_yaml(text, "settings"), "settings")


def _place(root: Path, path: Path, in_place: bool) -> Images:
    """Decide where the images will be: in the project, if they are there or there is room."""
    if root.resolve().is_relative_to(path):
        raise UserError(f"--images {path} holds the project itself: put them into a folder of it")
    if path.is_relative_to(root.resolve()):
        return Images(path, path.relative_to(root.resolve()), copied=False)
    size = sum(file.stat().st_size for file in _files(path))
    exists = next(place for place in (root.resolve(), *root.resolve().parents) if place.exists())
    if in_place or ROOM * size > shutil.disk_usage(exists).free:
        return Images(path, path, copied=False)
    if linked := _linked_folder(path):
        raise UserError(
            f"--images {path}: {readable(linked)} leads through a link to a folder, which DVC does "
            "not copy: put the folder itself there, or leave the images in place (--in-place)"
        )
    place = RAW / path.name
    if (root / place).exists():  # DVC would copy them into it
        raise UserError(
            f"{root / place} is there already: delete it if an init that was killed left it, else "
            "name it as --images, or give yours another name"
        )
    return Images(path, place, copied=True)


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    for here, _, names in os.walk(path):  # DVC follows links to files, and none to folders
        yield from (file for file in map(Path(here).joinpath, names) if file.exists())


def _linked_folder(path: Path) -> str | None:
    """Return a folder of images below `path` that is a link, or lies in one, if there is any."""
    top = path.resolve()
    folders = {(top / name).parent for name in walk(path, {})} if path.is_dir() else set()
    linked = min((folder for folder in folders if folder.resolve() != folder), default=None)
    return None if linked is None else str(linked.relative_to(top))


@contextmanager
def _alone(root: Path) -> Iterator[Made]:
    """Be the only init that writes to a folder; yield what it makes, undone if it fails."""
    made = Made()
    made.note(root / LOCK)
    with locked(root / LOCK, f"another `gan-augment init` is at work in {root}", wait_s=0):
        _refuse_a_project(root)  # of another init, which is not undone
        with _undone_if_it_fails(made):
            yield made


@contextmanager
def _undone_if_it_fails(made: Made) -> Iterator[Made]:
    """Yield what the block makes: if it fails, that is taken away again."""
    try:
        yield made
    except BaseException:
        made.undo()
        raise


@contextmanager
def _written(root: Path) -> Iterator[None]:
    """Turn what the system has against writing a project into a sentence."""
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot write {error.filename or root}: {error.strerror}") from error


def _start(root: Path, made: Made) -> None:
    """Start repositories, and say what they ignore."""
    repository.start(root, made)
    ignored = {".gitignore": _file("gitignore") + _outputs(), ".dvcignore": _file("dvcignore")}
    for name, content in ignored.items():
        made.note(root / name)
        _append(root / name, content)


def _write(root: Path, text: str, images: Images, found: Survey | None, made: Made) -> None:
    """Write the project's files."""
    what = (
        "handwritten digits"
        if found is None
        else f"{found.total:,} images of {len(found.classes)} classes"
    )
    contents = {name: _file(of) for name, of in COPIED.items()} | {
        "params.yaml": text,
        str(schema.FILE): schema.text(),
        "README.md": _readme(root, what, images),
    }
    for name, content in contents.items():
        made.note(root / name)
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, encoding="utf-8")
    made.note(root / code.FILE)
    code.write(root)


def _append(path: Path, text: str) -> None:
    """Append lines to a file, made if need be, that does not hold them already."""
    former = path.read_bytes() if path.exists() else b""
    if text.encode() not in former:
        ended = not former or former.endswith(b"\n")
        with path.open("ab") as file:
            file.write((text if ended else f"\n{text}").encode())


def _bring_in(root: Path, images: Images, made: Made) -> list[str]:
    """Bring the images in; return the files by which git knows of them."""
    place = root / images.place
    if images.source is None:
        made.note(place / ".gitkeep")
        place.mkdir(parents=True, exist_ok=True)
        (place / ".gitkeep").touch()
        return [str(RAW / ".gitkeep")]
    if images.place.is_absolute():
        return []
    brought = [f"{images.place}.dvc", str(images.place.parent / ".gitignore")]
    copies = [str(images.place)] if images.copied else []  # others were there before
    for name in (*brought, *copies):
        made.note(root / name)
    place.parent.mkdir(parents=True, exist_ok=True)
    how = ["--out", images.place, "--", images.source] if images.copied else ["--", images.place]
    repository.dvc(root, "add", *map(str, how))
    return brought


def _commit(root: Path, brought: Sequence[str]) -> str:
    """Commit the project; return the commit, or why there is none."""
    tracked = [".dvc/.gitignore", ".dvc/config", ".gitignore", ".dvcignore", *OWN, *brought]
    tracked = [name for name in tracked if (root / name).exists()]
    return repository.commit(root, tracked, f"A project of gan-augment {version('gan-augment')}")


def _file(name: str) -> str:
    return files("gan_augment.project").joinpath("files", name).read_text(encoding="utf-8")


def _outputs() -> str:
    """Return what git ignores because DVC keeps it, a line each."""
    stages = yaml.safe_load(_file(COPIED["dvc.yaml"]))["stages"].values()
    outs = [out for stage in stages for key in ("outs", "metrics") for out in stage.get(key, [])]
    return "".join(f"/{out}\n" for out in outs if isinstance(out, str))


def _readme(root: Path, what: str, images: Images) -> str:
    from jinja2 import Environment

    template = Environment(autoescape=False, keep_trailing_newline=True).from_string(
        _file("README.md.j2")
    )
    return template.render(
        name=root.resolve().name,
        what=what,
        images=images.described,
        version=version("gan-augment"),
    )


def _summary(
    root: Path,
    images: Images,
    found: Survey | None,
    choices: Sequence[Choice],
    given: Mapping[str, Any],
    commit: str,
) -> list[str]:
    lines = ["handwritten digits, which are built in"]
    if found is not None:
        numbers = found.classes.values()
        lines = [f"{found.total:,} images of {len(numbers)} classes, {between(numbers)} each"]
        lines += [f"warning: {doubt}" for doubt in found.doubts]
    lines += [
        f"  {key}: {inline(value)} ({reason})"
        for key, value, reason in choices
        if not any(_overlap(key, name) for name in given)
    ]
    lines += [f"  {key}: {inline(value)} (as you said)" for key, value in given.items()]
    if images.place.is_absolute():
        lines.append(f"  the images stay at {images.place}: see README.md")
    lines.append(f"{root}: {commit if commit.startswith('not') else f'committed as {commit}'}")
    return [*lines, "next:", f"  cd {root}", "  dvc repro", "  gan-augment verdict"]
