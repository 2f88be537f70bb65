"""publish, versions, pull and diff as commands, on an image table."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from gan_augment import table
from gan_augment.versions import list_versions
from gan_augment.versions.compare import rows
from tests.projects import Project, copy


def assemble(project: Project, images: table.Images, synthetic: int) -> None:
    """Have the last stage make an image table, so many of whose rows are synthetic."""
    parts = [
        table.encode(pixels, labels, images.classes, split="train", origin=origin)
        for pixels, labels, origin in (
            (images.pixels[synthetic:], images.labels[synthetic:], "real"),
            (images.pixels[:synthetic], images.labels[:synthetic], "synthetic"),
        )
        if len(labels)
    ]
    table.write(project.root / "table", parts, images.classes)
    path = project.root / "dvc.yaml"
    content = yaml.safe_load(path.read_text())
    content["stages"]["assemble"] |= {"cmd": "cp -r table data/augmented", "deps": ["table"]}
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    project.rebuild()
    project.commit("a table")


@pytest.fixture(scope="module")
def published(built: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project with three versions, the first without a table, and what was printed."""
    project = copy(built, tmp_path_factory.mktemp("commands") / "copy")
    project.run("gan-augment", "publish")
    return project


def tables(project: Project, random_images: Callable[..., table.Images]) -> None:
    if len(project.tags()) == 1:
        assemble(project, random_images(12), 0)
        project.run("gan-augment", "publish")
        assemble(project, random_images(24, classes=4), 6)
        project.run("gan-augment", "publish", "--bump", "major", "--override", "we need it")


def test_versions_are_listed_compared_and_pulled(
    published: Project,
    random_images: Callable[..., table.Images],
    cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "200")  # nothing is wrapped
    tables(published, random_images)
    address = str(published.git)
    assert published.tags() == ["augmented@v1.0.0", "augmented@v1.1.0", "augmented@v2.0.0"]
    latest, middle, first = list_versions(address)
    assert latest.record["counts"] == {"train": {"real": [4, 4, 5, 5], "synthetic": [2, 2, 1, 1]}}
    assert latest.record["classes"] == ["c0", "c1", "c2", "c3"]
    assert "counts" not in first.record
    assert first.date <= middle.date <= latest.date

    listed = published.run("gan-augment", "versions", address).splitlines()
    cells = {line.split()[0]: line.split()[2:] for line in listed if line.strip().startswith("v")}
    assert cells["v1.1.0"] == ["helps", "gan", "12", "0", "0", "0"]
    assert cells["v1.0.0"] == ["helps", "gan", "–", "–", "–", "–"]
    assert "published without counts on record" in listed[-1]
    assert "overridden" in "".join(listed)

    shown = published.run("gan-augment", "diff", address, "v1.1.0", "augmented@v2.0.0")
    for row in rows(middle.record, latest.record):
        assert row.what in shown
    assert "with c3" in shown

    out = tmp_path / "out"
    done = subprocess.run(
        ["gan-augment", "pull", f"{address}@v2.0.0", "--out", str(out)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{out}\n"
    assert "augmented@v2.0.0: " in done.stderr
    assert done.stderr.endswith("fetched\n")
    assert len(table.read(out)) == 24
    where = published.run("gan-augment", "pull", address).strip()
    assert Path(where).is_relative_to(cache)
    assert table.table_hash(Path(where)) == table.table_hash(out)
    npz = tmp_path / "npz"
    published.run("gan-augment", "pull", address, "--format", "npz", "--out", str(npz))
    assert (npz / "train.npz").exists()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["publish", "--bump", "big"], "--bump = 'big': input should be 'major', 'minor' or"),
        (["publish", "--artifact", "augmentd"], "did you mean 'augmented'"),
        (["pull", "nowhere@v1.0.0"], "cannot reach nowhere"),
        (["pull", "{git}@v1.0.9"], "no version v1.0.9 of augmented: did you mean 'v1.0.0'"),
        (["pull", "{git}", "--format", "npz"], "name it by --out"),
        (["pull", "{git}", "--artifact", "generator"], "no version of generator: "),
        (["versions", "nowhere"], "cannot reach nowhere"),
        (["diff", "{git}", "v1.0.0", "v9.0.0"], "no version v9.0.0"),
    ],
)
@pytest.mark.usefixtures("cache")
def test_mistakes_are_one_message(published: Project, command: list[str], message: str) -> None:
    filled = [part.format(git=published.git) for part in command]
    done = subprocess.run(
        ["gan-augment", *filled], cwd=published.root, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_refusal_is_one_message(project: Project) -> None:
    project.write(verdict={"overall": {"verdict": "harms", "sentence": "it harms."}})
    project.commit()
    project.rebuild()
    done = subprocess.run(
        ["gan-augment", "publish"], cwd=project.root, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: not published: the verdict is 'harms'")
    assert "--override REASON publishes" in done.stderr
    assert project.tags() == []
    project.write(gate={"passed": False, "reasons": ["copies"]})  # which nobody overrides
    project.commit()
    project.rebuild()
    done = subprocess.run(
        ["gan-augment", "publish"], cwd=project.root, capture_output=True, text=True, check=False
    )
    assert "the memorisation check failed: copies" in done.stderr
    assert "--override" not in done.stderr


def test_what_is_published_already_is_said(published: Project) -> None:
    before = published.tags()
    said = published.run("gan-augment", "publish").splitlines()
    assert said[-1] == f"{before[-1]} is this already: nothing to publish"
    assert published.tags() == before


def run(code: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    names = "clone compare download git graph listing publish record snapshot source tags terminal"
    imports = "; ".join(f"import gan_augment.versions.{name}" for name in names.split())
    done = run(f"import sys; {imports}; print(*{{name.split('.')[0] for name in sys.modules}})")
    assert done.returncode == 0, done.stderr
    heavy = {"dvc", "dvc_data", "gto", "prefect", "torch", "pandas", "pyarrow"}
    assert not heavy & set(done.stdout.split())


def test_without_dvc_it_says_what_to_install() -> None:
    done = run(
        "import sys; sys.modules['dvc'] = None\n"
        "from gan_augment import cli; sys.argv[1:] = ['pull', 'x@v1.0.0']; cli.main()"
    )
    assert done.returncode == 1
    assert done.stderr == "error: versions need DVC: pip install 'gan-augment[dvc]'\n"
