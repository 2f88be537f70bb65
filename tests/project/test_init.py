"""A new project: whole, committed, and never at the cost of what was there."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from gan_augment import params, schema
from gan_augment.errors import UserError
from gan_augment.lock import locked
from gan_augment.project import code, repository
from gan_augment.project import init as module
from gan_augment.project.init import init, parse, read
from gan_augment.project.made import Made
from gan_augment.project.survey import Survey, survey
from tests.environment import git
from tests.ingest.sources.test_idx import make as make_mnist
from tests.markdown import READER
from tests.project.conftest import Make, numbered

ROOT = Path(__file__).parents[2]
CLASSES = {"cat": 20, "dog": 20}


def test_this_repository_is_a_project_too() -> None:
    """After a change of one of these files copy it to the other place."""
    for name, of in {**module.COPIED, "params.yaml": "params.yaml"}.items():
        assert (ROOT / name).read_text() == module._file(of), f"{name} and project/files/{of}"
    assert set((ROOT / ".dvcignore").read_text().split()) == set(module._file("dvcignore").split())


def test_a_project_is_whole_and_committed(pictures: Make, tmp_path: Path) -> None:
    root = tmp_path / "a project"
    said = init(root, pictures(numbered(CLASSES)), {})
    settings = params.load(root / "params.yaml")
    assert settings.ingest.path == Path("data/raw/images")
    assert settings.ingest.scarcity == {}
    assert re.fullmatch(r"images, \d{4}-\d\d-\d\d", settings.report.data or "")
    assert settings.evaluate.classic.flip
    text = (root / "params.yaml").read_text()
    assert "  # Chosen: the images are all 20×20 pixels, and stay so\n  image_size: null " in text
    assert "# pixels, one number or [height, width]" in text  # what was said of a setting still is
    assert len(list((root / "data/raw/images").rglob("*.png"))) == 40
    assert git(root, "status", "--porcelain") == ""
    tracked = git(root, "ls-files").splitlines()
    assert {"dvc.yaml", "prefect.yaml", str(code.FILE), "data/raw/images.dvc"} <= set(tracked)
    assert not any(name.endswith(".png") for name in tracked)
    assert code.outdated(root) == []
    assert text.partition("\n")[0].endswith("$schema=params.schema.json")
    assert (root / schema.FILE).read_text() == schema.text()
    assert "40 images of 2 classes, tracked" not in (root / "README.md").read_text()
    assert "40 images of 2 classes" in (root / "README.md").read_text()
    assert said[0] == "40 images of 2 classes, 20 each"
    assert said[-4:] == ["next:", f"  cd {root}", "  dvc repro", "  gan-augment verdict"]


def test_every_line_of_what_was_ignored_stays_one(tmp_path: Path) -> None:
    (root := tmp_path / "p").mkdir()
    git(root, "init", "--quiet")
    names = {".gitignore": "*.tmp\n.env", ".dvcignore": "*.tmp"}
    for name, content in names.items():
        (root / name).write_text(content)
    (root / ".env").write_text("SECRET=1")
    init(root, None, {})
    for name, content in names.items():
        assert (root / name).read_text().startswith(f"{content}\n")
    assert "\n/.venv/\n" in (root / ".gitignore").read_text()
    assert git(root, "status", "--porcelain") == ""


@pytest.mark.parametrize("other", ["cafe\u0301", "Café", "café "])
def test_classes_that_look_alike_are_told(pictures: Make, tmp_path: Path, other: str) -> None:
    said = init(tmp_path / "p", pictures(numbered({"café": 20, other: 20, "dog": 20})), {})
    (warning,) = [line for line in said if line.startswith("warning: ")]
    assert "differ only in case, spaces or the form of their letters" in warning


def test_years_that_may_be_no_classes_are_told(pictures: Make, tmp_path: Path) -> None:
    names = {f"{year}/{kind}": 10 for year in (2023, 2024) for kind in ("bolts", "nuts")}
    said = init(tmp_path / "p", pictures(numbered(names)), {})
    (warning,) = [line for line in said if line.startswith("warning: ")]
    assert "classes are 2023, 2024, the outer folders, and not bolts, nuts in them: if " in warning


def test_without_images_it_is_the_demo(tmp_path: Path) -> None:
    init(tmp_path / "p", None, {})
    assert (tmp_path / "p/params.yaml").read_text() == (ROOT / "params.yaml").read_text()
    assert git(tmp_path / "p", "status", "--porcelain") == ""


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "docs/versions.md", None])
def test_what_pages_say_of_remotes_leaves_nothing_uncommitted(
    tmp_path: Path, page: Path | None
) -> None:
    """Publishing refuses what is not committed, and a clone goes by what is."""
    root = tmp_path / "p"
    init(root, None, {})
    (root / "dvc.lock").write_text("schema: '2.0'\n")
    blocks = READER.parse((page or root / "README.md").read_text())
    (said,) = [block.content for block in blocks if "dvc remote add" in block.content]
    lines = [line for line in said.splitlines() if line.startswith(("git ", "dvc remote "))]
    subprocess.run(["bash", "-ec", "\n".join(lines)], cwd=root, check=True)
    assert "store" in git(root, "show", "HEAD:.dvc/config")
    assert git(root, "status", "--porcelain", "--untracked-files=no") == ""


def test_pages_that_a_project_has_not_are_said_to_be_elsewhere(tmp_path: Path) -> None:
    init(tmp_path / "p", None, {})
    for name in git(tmp_path / "p", "ls-files").splitlines():
        text = (tmp_path / "p" / name).read_text()
        assert re.findall(r"docs/[\w-]+\.md(?! of gan-augment)", text) == [], name


def test_images_that_torchvision_brings(tmp_path: Path) -> None:
    """Nothing of the digits is left: neither what caps their classes nor what they are called."""
    (raw := tmp_path / "p/data/raw/MNIST/raw").mkdir(parents=True)
    make_mnist(raw, "")
    given = parse(["ingest.source=torchvision", "ingest.dataset=MNIST"])
    said = init(tmp_path / "p", None, given)
    settings = params.load(tmp_path / "p/params.yaml")
    assert settings.ingest.scarcity == {}
    assert settings.ingest.path == Path("data/raw")
    assert re.fullmatch(r"MNIST, \d{4}-\d\d-\d\d", settings.report.data or "")
    assert said[0].startswith("1,500 images of 10 classes, ")
    readme = (tmp_path / "p/README.md").read_text()
    assert "1,500 images of 10 classes" in readme
    assert "images are in `data/raw`, tracked by DVC" in readme
    assert git(tmp_path / "p", "status", "--porcelain") == ""
    assert "data/raw.dvc" in git(tmp_path / "p", "ls-files")


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        (["ingest.source=torchvision", "ingest.dataset=MNIST"], "cannot be fetched"),
        (["ingest.source=torchvision"], "ingest.dataset: name a class of torchvision.datasets"),
        (["ingest.source=folder"], "ingest.source = 'folder': name its images with --images; "),
    ],
)
def test_without_images_of_a_source_that_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, assignments: list[str], message: str
) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("torchvision.datasets.utils.urllib.request.urlopen", no_network)
    with pytest.raises(UserError, match=message):
        init(tmp_path / "p", None, parse(assignments))
    assert not (tmp_path / "p").exists()


def test_a_folder_in_which_dvc_has_left_its_locks_alone(tmp_path: Path) -> None:
    (tmp_path / "p/.dvc/tmp").mkdir(parents=True)
    (tmp_path / "p/.dvc/tmp/flow.lock").touch()
    init(tmp_path / "p", None, {})
    assert ".dvc/config" in git(tmp_path / "p", "ls-files").splitlines()
    assert git(tmp_path / "p", "status", "--porcelain") == ""


def test_what_is_set_overrides_what_would_be_chosen(pictures: Make, tmp_path: Path) -> None:
    given = parse(["ingest.image_size=[16, 8]", "generate.plan.per_class=7", "train.steps=3"])
    said = init(tmp_path / "p", pictures(numbered(CLASSES)), given)
    settings = params.load(tmp_path / "p/params.yaml")
    assert settings.ingest.image_size == (16, 8)
    assert (settings.generate.plan.kind, settings.generate.plan.amount) == ("per_class", 7)
    assert settings.train.steps == 3
    assert "Chosen: classes" not in (tmp_path / "p/params.yaml").read_text()
    assert "  train.steps: 3 (as you said)" in said


def test_settings_of_a_file(tmp_path: Path, pictures: Make) -> None:
    (tmp_path / "mine.yaml").write_text("train: {steps: 5}\ngenerate: {seed: 1}")
    init(tmp_path / "p", pictures(numbered(CLASSES)), read(tmp_path / "mine.yaml"))
    settings = params.load(tmp_path / "p/params.yaml")
    assert (settings.train.steps, settings.generate.seed) == (5, 1)


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("train.stepz=3", "train.stepz: unknown key; did you mean 'steps'?"),
        ("trian.steps=3", "trian: unknown key; did you mean 'train'?"),
        ("train.steps=-3", "train.steps = -3: should be greater than"),
        ("ingest.path=x", "name the images with --images"),
        ("train.steps", "write section.key=value"),
        ("steps=3", "write section.key=value"),
        ("train.steps=[", "--set train.steps is not valid YAML"),
        ("ingest.source=none", "ingest.source = 'none'"),
    ],
)
def test_what_is_set_wrongly_makes_nothing(
    pictures: Make, tmp_path: Path, assignment: str, message: str
) -> None:
    with pytest.raises(UserError) as caught:
        init(tmp_path / "p", pictures(numbered(CLASSES)), parse([assignment]))
    assert message in str(caught.value)
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("name", ["dvc.yaml", "params.yaml", "README.md", "gan-augment.lock"])
def test_nothing_is_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(UserError, match=f"holds {name} already"):
        init(tmp_path, None, {})
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_what_fails_leaves_the_folder_as_it_was(
    pictures: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "p"
    (root / "data").mkdir(parents=True)
    (root / "data/mine.txt").write_text("mine")
    (root / ".gitignore").write_text("mine\n")
    images = pictures(numbered(CLASSES))
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}

    original = repository.dvc

    def full(root: Path, *arguments: str) -> str:
        if arguments[0] == "add":
            raise UserError("dvc: No space left on device")
        return original(root, *arguments)

    monkeypatch.setattr(repository, "dvc", full)
    with pytest.raises(UserError, match="No space left"):
        init(root, images, {})
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before
    with pytest.raises(UserError, match="No space left"):
        init(tmp_path / "new/p", images, {})
    assert not (tmp_path / "new").exists()


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"^cannot write .*/file/p/.*: Not a directory$"):
        init(tmp_path / "file/p", None, {})


def test_a_project_that_another_init_makes_meanwhile_stays(
    pictures: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(settings: params.IngestParams) -> Survey:
        root.mkdir()
        (root / "params.yaml").write_text("mine")
        return survey(settings)

    root, images = tmp_path / "p", pictures(numbered(CLASSES))
    monkeypatch.setattr(module, "survey", slow)
    with pytest.raises(UserError, match=r"holds params.yaml already"):
        init(root, images, {})
    assert (root / "params.yaml").read_text() == "mine"


def test_one_init_at_a_time_writes_to_a_folder(tmp_path: Path) -> None:
    with (
        locked(tmp_path / module.LOCK, ""),
        pytest.raises(UserError, match=r"another `gan-augment init` is at work in .* \(process"),
    ):
        init(tmp_path, None, {})
    assert [path.name for path in tmp_path.iterdir()] == [".scratch"]


def test_a_killed_init_can_be_run_again(
    pictures: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Nothing is undone."""

    def killed(root: Path, *arguments: str) -> str:
        if arguments[0] == "add":
            raise Killed
        return original(root, *arguments)

    original, photos = repository.dvc, pictures(numbered(CLASSES), root="p/photos")
    with monkeypatch.context() as patch:
        patch.setattr(repository, "dvc", killed)
        patch.setattr(Made, "undo", lambda _: None)
        with pytest.raises(Killed):
            init(tmp_path / "p", photos, {})
    init(tmp_path / "p", photos, {})
    assert (tmp_path / "p/.gitignore").read_text().count("/.venv/") == 1
    assert git(tmp_path / "p", "status", "--porcelain") == ""


def test_images_that_were_copied_halfway(pictures: Make, tmp_path: Path) -> None:
    (tmp_path / "p/data/raw/images").mkdir(parents=True)
    with pytest.raises(UserError, match=r"p/data/raw/images is there already: delete it if"):
        init(tmp_path / "p", pictures(numbered(CLASSES)), {})
    assert [path.name for path in (tmp_path / "p").iterdir()] == ["data"]


def test_a_file_of_images_in_the_project_is_not_read_to_be_restored(
    tmp_path: Path, digits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> str:
        raise UserError("dvc: No space left on device")

    def note(made: Made, path: Path) -> None:
        noted.append(path)
        original(made, path)

    root, noted, original = tmp_path / "p", list[Path](), Made.note
    root.mkdir()
    shutil.copy(next(digits.glob("train*.parquet")), root / "images.parquet")
    monkeypatch.setattr(repository, "start", lambda *_: None)
    monkeypatch.setattr(repository, "dvc", full)
    monkeypatch.setattr(Made, "note", note)
    with pytest.raises(UserError, match="No space left"):
        init(root, root / "images.parquet", {})
    assert root / "images.parquet.dvc" in noted
    assert root / "images.parquet" not in noted


def test_images_in_the_project_are_tracked_where_they_are(pictures: Make, tmp_path: Path) -> None:
    pictures(numbered(CLASSES), root="p/photos")
    init(tmp_path / "p", tmp_path / "p/photos", {})
    assert params.load(tmp_path / "p/params.yaml").ingest.path == Path("photos")
    assert "photos.dvc" in git(tmp_path / "p", "ls-files")
    assert git(tmp_path / "p", "status", "--porcelain") == ""
    with pytest.raises(UserError, match="holds the project itself"):
        init(tmp_path / "p/photos/q", tmp_path / "p/photos", {})


def test_a_folder_that_looks_like_an_option(pictures: Make, tmp_path: Path) -> None:
    pictures(numbered(CLASSES), root="p/-photos")
    init(tmp_path / "p", tmp_path / "p/-photos", {})
    assert "-photos.dvc" in git(tmp_path / "p", "ls-files").splitlines()
    assert git(tmp_path / "p", "status", "--porcelain") == ""


def test_names_that_are_not_utf8_are_refused(pictures: Make, tmp_path: Path) -> None:
    """DVC fails in such a folder, and params.yaml cannot name it."""
    name = os.fsdecode(b"pr\xe9")
    with pytest.raises(UserError, match=r"^/.*pr\\xe9: a name that is not UTF-8, .*: rename it$"):
        init(tmp_path / name, None, {})
    images = pictures(numbered(CLASSES), root=name)
    with pytest.raises(UserError, match=r"^--images /.*pr\\xe9: a name that is not UTF-8"):
        init(tmp_path / "p", images, {}, in_place=True)
    assert not (tmp_path / "p").exists()


def test_images_left_in_place(
    pictures: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = pictures(numbered(CLASSES))
    said = init(tmp_path / "p", images, {}, in_place=True)
    assert params.load(tmp_path / "p/params.yaml").ingest.path == images
    assert not (tmp_path / "p/data").exists()
    assert f"  the images stay at {images}: see README.md" in said
    assert f"dvc add --out data/raw/images {images}" in (tmp_path / "p/README.md").read_text()

    monkeypatch.setattr(module, "ROOM", 1e15)  # no disk has so much
    init(tmp_path / "q", images, {})
    assert params.load(tmp_path / "q/params.yaml").ingest.path == images


def test_links_that_lead_back_are_counted_once(pictures: Make, tmp_path: Path) -> None:
    """As DVC copies: it follows no link to a folder."""
    images = pictures(numbered(CLASSES))
    for name in CLASSES:
        for number in range(3):
            (images / name / f"all{number}").symlink_to("..")
    (images / "cat/link.png").symlink_to("0.png")
    (images / "loose.png").touch()
    assert sum(1 for _ in module._files(images)) == 42
    init(tmp_path / "p", images, {})
    assert len(list((tmp_path / "p/data/raw/images").rglob("*.png"))) == 42


def test_a_link_to_a_folder_elsewhere_is_not_lost(pictures: Make, tmp_path: Path) -> None:
    images, other = pictures(numbered({"dog": 20})), pictures(numbered({"cat": 20}), root="other")
    (images / "cat").symlink_to(other / "cat")
    with pytest.raises(
        UserError, match=r"--images .*: cat leads through a link to a folder, which"
    ):
        init(tmp_path / "p", images, {})
    assert not (tmp_path / "p").exists()
    said = init(tmp_path / "p", images, {}, in_place=True)
    assert said[0] == "40 images of 2 classes, 20 each"


def test_in_a_folder_of_a_larger_repository(pictures: Make, tmp_path: Path) -> None:
    top = tmp_path / "mono"
    top.mkdir()
    git(top, "init", "--quiet")
    (top / "other.txt").write_text("x")
    git(top, "add", "other.txt")
    init(top / "a/project", pictures(numbered(CLASSES)), {})
    assert not (top / "a/project/.git").exists()
    assert git(top, "status", "--porcelain") == "A  other.txt\n"  # not ours to commit
    (top / ".gitignore").write_text("scratch/\n")
    init(top / "scratch/p", None, {})
    assert (top / "scratch/p/.git").exists()


def test_a_commit_that_git_refuses_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "")
    said = init(tmp_path / "p", None, {})
    assert any(line.startswith(f"{tmp_path / 'p'}: not committed (") for line in said)
    assert (tmp_path / "p/dvc.yaml").exists()


def test_without_git_or_dvc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "find_spec", lambda _: None)
    with pytest.raises(UserError, match="needs DVC: pip install"):
        init(tmp_path / "p", None, {})
    monkeypatch.setattr(repository.shutil, "which", lambda _: None)
    with pytest.raises(UserError, match="needs git"):
        init(tmp_path / "p", None, {})
    assert not (tmp_path / "p").exists()


def test_a_parquet_file_is_brought_in(tmp_path: Path, digits: Path) -> None:
    shard = next(digits.glob("train*.parquet"))
    init(tmp_path / "p", shard, {})
    content = yaml.safe_load((tmp_path / "p/params.yaml").read_text())["ingest"]
    assert (content["source"], content["path"]) == ("parquet", f"data/raw/{shard.name}")
    assert (tmp_path / "p/data/raw" / shard.name).read_bytes() == shard.read_bytes()
