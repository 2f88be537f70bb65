"""Publishing with real git, DVC and GTO: what consumers can see, whatever happens."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from gan_augment import schema
from gan_augment.errors import UserError
from gan_augment.project import code
from gan_augment.versions import list_versions, pull
from gan_augment.versions.publish import TRIES, Publication, Refused, latest, publish
from tests.projects import TRAIN, Project, change_data, copy
from tests.recipes import recipe

FIRST, SECOND = b"a\n", b"a\nb\n"
KILLED = {
    "while pushing data": "started(supervisor, 'run')",
    "after pushing data": "done(publish, 'push_data')",
    "after committing": "done(publish, 'make_commit')",
    "while verifying": "done(Repo, 'fetch')",
    "after tagging": "done(gto.api, 'register')",
    "before pushing the version": "git_push(before=True)",
    "after pushing the version": "git_push(before=False)",
}
CHILD = """
import os, threading, time
from pathlib import Path
import gto.api
from dvc.repo import Repo
from gan_augment.versions import git, publish, supervisor

def kill():
    os.kill(os.getpid(), 9)

def started(place, name):
    original = getattr(place, name)
    def begin(*args, **kwargs):
        threading.Thread(target=original, args=args, kwargs=kwargs).start()
        time.sleep(1)
        kill()
    setattr(place, name, begin)

def done(place, name):
    original = getattr(place, name)
    def run(*args, **kwargs):
        original(*args, **kwargs)
        kill()
    setattr(place, name, run)

def git_push(before):
    original = git.run
    def run(root, *arguments, **kwargs):
        if before and arguments[0] == "push":
            kill()
        said = original(root, *arguments, **kwargs)
        if arguments[0] == "push":
            kill()
        return said
    git.run = run

%s
publish.publish(Path("."), publish.Publication())
"""


def consume(project: Project, version: str | None = None) -> bytes:
    """Return what a consumer gets who has nothing but the address of the git remote."""
    from dvc.repo.artifacts import Artifacts

    out = project.root.parent / "consumer"
    shutil.rmtree(out, ignore_errors=True)
    Artifacts.get(str(project.git), "augmented", version=version, out=str(out))
    return (out / "part.txt").read_bytes()


@pytest.fixture(scope="module")
def published(built: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project with version 1.0.0 published and another one built."""
    project = copy(built, tmp_path_factory.mktemp("published") / "copy")
    publish(project.root, Publication())
    change_data(project)
    return project


@pytest.fixture
def second(published: Project, tmp_path: Path) -> Project:
    return copy(published, tmp_path / "second")


def test_the_first_version(
    project: Project, lines: list[str], on_line: Callable[[str], None]
) -> None:
    head = project.run("git", "rev-parse", "HEAD")
    release = publish(project.root, Publication(), on_line)
    assert (release.tag, release.is_new) == ("augmented@v1.0.0", True)
    assert lines[-1] == "published augmented@v1.0.0"
    assert consume(project) == FIRST
    assert project.run("git", "cat-file", "-t", release.tag, cwd=project.git) == "tag\n"

    assert project.run("git", "rev-parse", "HEAD") == head
    assert project.run("git", "status", "--short") == "?? dvc.lock\n"
    assert project.run("git", "branch", "--list", cwd=project.git).split() == [
        "*",
        "main",
        "published",
    ]
    tree = project.run("git", "ls-tree", "-r", "--name-only", "published", cwd=project.git).split()
    assert {"dvc.lock", "published/augmented.json", "params.yaml"} <= set(tree)

    again = publish(project.root, Publication())
    assert (again.tag, again.is_new) == (release.tag, False)
    assert again.record == release.record
    assert project.tags() == [release.tag]


def test_consumers_pull_a_version_with_dvcs_commands(project: Project, tmp_path: Path) -> None:
    publish(project.root, Publication())
    address, tag = str(project.git), "augmented@v1.0.0"
    project.run("dvc", "artifacts", "get", address, "augmented", "--rev", "v1.0.0", cwd=tmp_path)
    project.run("dvc", "get", address, "data/augmented", "--rev", tag, "-o", "got", cwd=tmp_path)
    assert (tmp_path / "augmented/part.txt").read_bytes() == FIRST
    assert (tmp_path / "got/part.txt").read_bytes() == FIRST
    project.run("git", "clone", "--quiet", "--branch", tag, address, "clone", cwd=tmp_path)
    project.run("dvc", "pull", "--quiet", cwd=tmp_path / "clone")
    assert (tmp_path / "clone/data/augmented/part.txt").read_bytes() == FIRST
    assert project.run("dvc", "status", cwd=tmp_path / "clone") == (
        "Data and pipelines are up to date.\n"
    )


@pytest.mark.parametrize(
    ("bump", "tag"), [("major", "v2.0.0"), ("minor", "v1.1.0"), ("patch", "v1.0.1")]
)
def test_the_next_version(second: Project, bump: str, tag: str) -> None:
    release = publish(second.root, Publication.model_validate({"bump": bump}))
    assert release.tag == f"augmented@{tag}"
    assert consume(second) == SECOND
    assert consume(second, "v1.0.0") == FIRST
    parents = second.run("git", "log", "-1", "--format=%P", "published", cwd=second.git).split()
    assert parents == [
        second.run("git", "rev-parse", "augmented@v1.0.0^{commit}", cwd=second.git).strip(),
        second.run("git", "rev-parse", "HEAD").strip(),
    ]


@pytest.mark.parametrize("moment", KILLED)
def test_killed_at_any_moment_the_last_version_is_whole_and_a_rerun_completes(
    second: Project, moment: str
) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", CHILD % KILLED[moment]],
        cwd=second.root,
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    is_out = moment == "after pushing the version"
    assert second.tags() == ["augmented@v1.0.0"] + ["augmented@v1.1.0"] * is_out
    assert consume(second) == (SECOND if is_out else FIRST)

    release = publish(second.root, Publication())
    assert release.tag == "augmented@v1.1.0"
    assert second.tags() == ["augmented@v1.0.0", "augmented@v1.1.0"]
    assert consume(second) == SECOND
    assert not list((second.root / ".dvc/tmp").glob(".verify*"))


def overwrite(stored: Path) -> None:
    stored.chmod(0o644)
    stored.write_bytes(b"b\n")


@pytest.mark.parametrize("damage", [Path.unlink, overwrite])
def test_a_remote_that_loses_or_damages_data_is_found_and_then_mended(
    project: Project, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], None]
) -> None:
    from gan_augment.versions import publish as module

    push = module.push_data

    def lossy(*args: object) -> None:
        push(*args)  # type: ignore[arg-type]
        stored = [f for f in project.store.rglob("files/md5/*/*") if f.read_bytes() == FIRST]
        assert len(stored) == 1
        damage(stored[0])

    monkeypatch.setattr(module, "push_data", lossy)
    with pytest.raises(UserError, match="nothing is published"):
        publish(project.root, Publication())
    assert project.tags() == []
    monkeypatch.undo()
    assert publish(project.root, Publication()).is_new
    assert consume(project) == FIRST


def test_a_refusal_says_why_and_publishes_nothing(project: Project) -> None:
    project.write(verdict={"overall": {"verdict": "harms", "sentence": "it harms."}})
    project.commit()
    project.rebuild()
    with pytest.raises(Refused, match="not published: the verdict is 'harms'") as refused:
        publish(project.root, Publication())
    assert len(refused.value.reasons) == 1
    assert project.tags() == []
    assert not list(project.store.rglob("*.dir"))

    release = publish(project.root, Publication(override="to show it"))
    assert release.record["override"] == "to show it"
    assert release.record["verdict"] == "harms"
    said = project.run("git", "tag", "-n9", "--list", release.tag, cwd=project.git)
    assert "overridden: to show it" in said
    recorded = latest(project.root, Publication())
    assert recorded is not None
    assert recorded.record == release.record


@pytest.mark.parametrize("leader", [None, "augmented"])
def test_a_generator_that_copies_is_no_version_though_the_recipe_does_without(
    project: Project, leader: str | None
) -> None:
    path = project.root / "dvc.yaml"
    content = yaml.safe_load(path.read_text())
    meta = {"meta": {"published_with": leader}} if leader else {}
    content["artifacts"]["generator"] = {"path": "models/generator", **meta}
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    recipes = {"real": recipe(validation=0.8), "oversample": recipe(["oversample"])}
    project.write(
        gate={"passed": False, "reasons": ["12 of 900 images are copies"]},
        verdict={"overall": {"verdict": "no gain", "sentence": "no gain."}, "recipes": recipes},
    )
    project.commit()
    project.rebuild()
    of_generator = Publication(artifact=leader or "generator", override="to look at")
    with pytest.raises(Refused, match="the memorisation check failed: 12 of 900") as refused:
        publish(project.root, of_generator)
    assert refused.value.final
    assert project.tags() == []
    if not leader:
        assert publish(project.root, Publication()).is_new


def test_what_is_not_committed_or_not_built_is_no_version(project: Project) -> None:
    project.change("train", "steps", 9)
    with pytest.raises(UserError, match=r"params\.yaml differ from the last commit"):
        publish(project.root, Publication())
    project.commit()
    with pytest.raises(UserError, match="not up to date: assemble, evaluate, generate, train"):
        publish(project.root, Publication())
    assert project.tags() == []


def test_what_is_committed_while_data_is_pushed_is_not_in_the_version(
    second: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gan_augment.versions import publish as module

    head = second.run("git", "rev-parse", "HEAD").strip()
    params = second.run("git", "show", "HEAD:params.yaml")
    push = module.push_data

    def slow(*args: object) -> None:
        push(*args)  # type: ignore[arg-type]
        second.change("train", "steps", 9)
        (second.root / "data/raw/c.txt").write_text("c\n")
        second.run("dvc", "add", "--quiet", "data/raw")
        second.commit()

    monkeypatch.setattr(module, "push_data", slow)
    release = publish(second.root, Publication())
    assert release.record["code"]["commit"] == head
    parents = second.run("git", "log", "-1", "--format=%P", release.tag, cwd=second.git).split()
    assert parents[1] == head
    assert second.run("git", "show", f"{release.tag}:params.yaml", cwd=second.git) == params
    assert consume(second) == SECOND
    assert (
        second.run("git", "show", f"{release.tag}:data/raw.dvc")
        != (second.root / "data/raw.dvc").read_text()
    )


def test_a_commit_while_publishing_begins_is_refused(
    second: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gan_augment.versions import publish as module

    check = module._check_workspace

    def overtaken(root: Path) -> None:
        check(root)
        second.change("train", "steps", 9)
        second.commit()

    monkeypatch.setattr(module, "_check_workspace", overtaken)
    with pytest.raises(UserError, match="a commit was made, or stages ran, while publishing"):
        publish(second.root, Publication())
    assert second.tags() == ["augmented@v1.0.0"]


def test_only_declared_artifacts(project: Project) -> None:
    with pytest.raises(UserError, match="did you mean 'augmented'"):
        publish(project.root, Publication(artifact="augmentd"))


def test_without_a_reachable_git_remote(project: Project) -> None:
    shutil.rmtree(project.git)
    with pytest.raises(UserError, match="git ls-remote: .*git"):
        publish(project.root, Publication())


@pytest.mark.parametrize("times", [1, TRIES])
def test_a_publisher_who_comes_second_tries_again(
    second: Project,
    monkeypatch: pytest.MonkeyPatch,
    times: int,
    lines: list[str],
    on_line: Callable[[str], None],
) -> None:
    from gan_augment.versions import publish as module

    tags, rivals = module.make_tags, iter(range(times))

    def overtaken(*args: object) -> list[str]:
        made = tags(*args)  # type: ignore[arg-type]
        if next(rivals, None) is not None:
            tip = second.run("git", "rev-parse", "published", cwd=second.git).strip()
            second.run("git", "fetch", "--quiet", "origin", "published")
            other = second.run("git", "commit-tree", f"{tip}^{{tree}}", "-p", tip, "-m", "other")
            second.run("git", "push", "--quiet", "origin", f"{other.strip()}:refs/heads/published")
        return made

    monkeypatch.setattr(module, "make_tags", overtaken)
    said = "somebody else published to origin meanwhile"
    if times == TRIES:
        with pytest.raises(UserError, match=f"^{said}$"):
            publish(second.root, Publication())
        assert second.tags() == ["augmented@v1.0.0"]
        monkeypatch.undo()
    assert publish(second.root, Publication(), on_line).tag == "augmented@v1.1.0"
    assert second.tags() == ["augmented@v1.0.0", "augmented@v1.1.0"]
    if times == 1:
        assert f"{said}; trying again" in lines


def test_a_version_whose_data_was_lost_is_whole_after_publishing_it_again(
    project: Project,
) -> None:
    release = publish(project.root, Publication())
    stored = [file for file in (project.store / "files").rglob("*") if file.is_file()]
    for file in stored:
        file.unlink()
    again = publish(project.root, Publication())
    assert (again.tag, again.is_new) == (release.tag, False)
    assert consume(project) == FIRST


def test_code_that_git_does_not_know_is_refused_until_it_is_committed_or_ignored(
    project: Project,
) -> None:
    (project.root / "notes.txt").write_text("of no matter")
    (project.root / "mine.py").write_text("class Mine: ...\n")
    with pytest.raises(UserError, match=r"^mine\.py: not in git, so that the version would lack"):
        publish(project.root, Publication())
    with (project.root / ".gitignore").open("a") as file:
        file.write("/mine.py\n")
    project.commit()
    assert publish(project.root, Publication()).is_new


@pytest.mark.parametrize("name", ["dvc.yaml", "params.yaml"])
def test_without_what_every_version_needs_there_is_none(
    project: Project, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    from gan_augment.versions import publish as module

    project.run("git", "rm", "--quiet", "--cached", name)
    project.run("git", "commit", "--quiet", "--message", "without")
    with pytest.raises(UserError, match=rf"^{name}: not in git, so the version would lack it"):
        publish(project.root, Publication())
    if name == "dvc.yaml":
        monkeypatch.setattr(module, "_check_workspace", lambda _: None)
        with pytest.raises(UserError, match="nothing is published: .*data/augmented"):
            publish(project.root, Publication())
    assert project.tags() == []


@pytest.mark.parametrize("who", ["AUTHOR", "COMMITTER"])
def test_no_data_is_pushed_for_who_cannot_commit(
    project: Project, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    monkeypatch.setenv(f"GIT_{who}_NAME", "")
    with pytest.raises(UserError, match="^git does not know who commits: `git config --global"):
        publish(project.root, Publication())
    assert not project.store.exists()


def test_the_record_names_the_code_that_ran(project: Project) -> None:
    made = publish(project.root, Publication()).record["code"]
    assert made["commit"] == project.run("git", "rev-parse", "HEAD").strip()
    assert made["package"] == version("gan-augment")
    here = Path(code.__file__).parent
    assert made["checkout"] == project.run("git", "rev-parse", "HEAD", cwd=here).strip()
    assert made["changed"] in (True, False)


def test_a_tag_made_by_hand_is_left_alone(second: Project) -> None:
    second.run("git", "tag", "augmented@v1.1.0")
    with pytest.raises(UserError, match="made by other hands"):
        publish(second.root, Publication())
    assert second.run("git", "rev-parse", "augmented@v1.1.0") == second.run(
        "git", "rev-parse", "HEAD"
    )


def test_the_lock_of_the_caller_is_handed_on(project: Project) -> None:
    reader, writer = os.pipe()
    publish(project.root, Publication(), hold=[writer])
    os.close(writer)
    assert os.read(reader, 1) == b""  # nobody has it any more
    os.close(reader)


def test_the_code_that_made_a_version_is_published_with_it(project: Project) -> None:
    project.add_lock()
    project.upgrade(ingest="0" * 16)
    (project.root / "train.sh").write_text(TRAIN + "# changed\n")
    project.commit()
    project.rebuild()  # by other code than that of the last commit
    with pytest.raises(UserError, match="not up to date: ingest; run `dvc repro`"):
        publish(project.root, Publication())

    project.upgrade()
    project.commit()
    project.rebuild()
    (project.root / "gan-augment.lock").write_text(
        (project.root / "gan-augment.lock").read_text() + "# not committed\n"
    )
    project.run("dvc", "commit", "--force", "lock")
    tag = publish(project.root, Publication()).tag
    shown = project.run("git", "show", f"{tag}:gan-augment.lock")
    assert shown == (project.root / "gan-augment.lock").read_text()
    assert yaml.safe_load(shown) == code.installed()


def test_the_schema_that_an_upgrade_wrote_is_published_without_a_commit(project: Project) -> None:
    (project.root / schema.FILE).write_text("{}\n")
    project.commit()
    schema.write(project.root)
    tag = publish(project.root, Publication()).tag
    assert project.run("git", "show", f"{tag}:{schema.FILE}") == schema.text()


@pytest.mark.usefixtures("cache")
def test_what_is_published_with_an_artifact_has_its_versions(
    project: Project, lines: list[str], on_line: Callable[[str], None]
) -> None:
    first = publish(project.root, Publication())
    path = project.root / "dvc.yaml"
    content = yaml.safe_load(path.read_text())
    content["stages"]["classifier"] = {
        "cmd": "mkdir -p models/classifier && cp head data/augmented/part.txt models/classifier",
        "deps": ["data/augmented", "head"],
        "outs": ["models/classifier"],
    }
    shared = {"path": "models/classifier", "meta": {"published_with": "augmented"}}
    content["artifacts"]["classifier"] = shared
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    (project.root / "head").write_text("one")
    project.commit()
    project.rebuild()
    release = publish(project.root, Publication(), on_line)
    assert release.record["data"] == first.record["data"]  # the set is the same, and not alone
    assert lines[-1] == "published augmented@v1.1.0 and classifier@v1.1.0"
    assert project.tags() == ["augmented@v1.0.0", "augmented@v1.1.0", "classifier@v1.1.0"]
    assert not publish(project.root, Publication()).is_new

    folder = pull(str(project.git), "v1.1.0", "classifier")
    assert (folder / "head").read_text() == "one"
    (version,) = list_versions(str(project.git), "classifier")
    assert version.record["verdict"] == "helps"
    assert version.record["data"]["path"] == "models/classifier"
    with pytest.raises(UserError, match="classifier is published with augmented: publish that"):
        publish(project.root, Publication(artifact="classifier"))

    (project.root / "head").write_text("two")
    project.commit()
    project.rebuild()
    assert publish(project.root, Publication(bump="major")).tag == "augmented@v2.0.0"
    assert (pull(str(project.git), None, "classifier") / "head").read_text() == "two"
    assert (pull(str(project.git), "v1.1.0", "classifier") / "head").read_text() == "one"
