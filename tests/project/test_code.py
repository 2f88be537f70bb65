"""What is part of the code of a stage, and what is not."""

import shutil
from pathlib import Path

import pytest
import yaml

from gan_augment.errors import UserError
from gan_augment.project import code

PACKAGE = Path(code.__file__).parents[1]
TRAIN = {"gan_augment.gan.stage", "gan_augment.gan.trainer", "gan_augment.params"}


def modules(stage: str) -> set[str]:
    import grimp

    graph = grimp.build_graph("gan_augment", exclude_type_checking_imports=True, cache_dir=None)
    return code._modules(graph, code.STAGES[stage])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the package, to change."""
    return Path(shutil.copytree(PACKAGE, tmp_path / "gan_augment"))


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


def test_every_stage_has_modules_of_its_own_that_others_have_not() -> None:
    found = {stage: modules(stage) for stage in code.STAGES}
    for stage, start in code.STAGES.items():
        assert [s for s in found if start in found[s]] == [stage]


def test_imports_inside_functions_count() -> None:
    assert "gan_augment.metrics.cas" in modules("train")  # gan.validation imports it
    assert "gan_augment.ingest.sources.archive" in modules("ingest")


def test_how_the_report_looks_is_no_reason_to_run_anything_else() -> None:
    looks = {"gan_augment.report", "gan_augment.report.page"}
    assert [stage for stage in code.STAGES if looks & modules(stage)] == ["report"]


def test_what_training_does_not_use_trains_nothing_again() -> None:
    for stage in ("ingest", "train", "generate"):
        for package in ("report", "evaluation", "assemble", "study", "project", "versions"):
            assert not [m for m in modules(stage) if m.startswith(f"gan_augment.{package}")]


@pytest.mark.parametrize(
    ("file", "old", "new", "counts"),
    [
        ("gan/trainer.py", "import ", "# a comment\nimport ", False),
        ("gan/stage.py", '"""Train: ', '"""Train, that is: ', False),
        ("progress.py", '"""', '"""Other looks. ', False),
        ("report/page.py", "import ", "import abc\nimport ", False),
        (
            "params.py",
            "repeats: Annotated[int, Field(ge=6, le=MOST_REPEATS)] = 10",
            "repeats: int = 12",
            False,
        ),
        ("params.py", "latent_dim: Width = 64", "latent_dim: Width = 65", True),
        ("params.py", "Positive = Annotated[int, Field(ge=1, le=MOST)]", "Positive = int", True),
        ("gan/__init__.py", '"""', 'X = 1\n"""', True),
        ("gan/trainer.py", "import ", "import abc\nimport ", True),
    ],
)
def test_what_counts(folder: Path, file: str, old: str, new: str, counts: bool) -> None:
    before = code.fingerprint(TRAIN | {"gan_augment.gan"}, folder)
    text = (folder / file).read_text()
    (folder / file).write_text(text.replace(old, new, 1))
    assert (folder / file).read_text() != text
    assert (code.fingerprint(TRAIN | {"gan_augment.gan"}, folder) != before) == counts


def test_data_beside_the_modules_counts(folder: Path) -> None:
    page = {"gan_augment.report", "gan_augment.report.page"}
    before = code.fingerprint(page, folder)
    edit(folder / "report/style.css.j2", "body {", "body { opacity: 1;")
    assert code.fingerprint(page, folder) != before


def test_params_imported_as_a_module_count_whole(folder: Path) -> None:
    gate = {"gan_augment.versions.gate"}
    before = code.fingerprint(gate, folder)
    edit(
        folder / "params.py",
        "repeats: Annotated[int, Field(ge=6, le=MOST_REPEATS)] = 10",
        "repeats: int = 12",
    )
    assert code.fingerprint(gate, folder) != before


def test_the_file_says_what_is_installed_and_is_written_only_if_it_differs(tmp_path: Path) -> None:
    (said,) = code.write(tmp_path)
    file = tmp_path / code.FILE
    content = yaml.safe_load(file.read_text())
    assert said == f"gan-augment {content['version']}"
    assert content == code.installed()
    assert set(content["stages"]) == set(code.STAGES)
    written = file.stat().st_mtime_ns
    assert code.write(tmp_path) == []
    assert file.stat().st_mtime_ns == written


def test_no_source_is_parsed_twice() -> None:
    before = code.installed()
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr("ast.parse")
        assert code.installed() == before


def test_what_changed_is_said(tmp_path: Path) -> None:
    code.write(tmp_path)
    file = tmp_path / code.FILE
    content = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump({**content, "version": "0.0.1"}))
    assert code.outdated(tmp_path) == []
    became = f"gan-augment 0.0.1 became {content['version']}"
    assert code.write(tmp_path) == [became, "no stage is concerned"]

    stages = {**content["stages"], "train": "0", "assemble": "0"}
    file.write_text(yaml.safe_dump({**content, "stages": stages}))
    assert code.outdated(tmp_path) == ["train", "assemble"]
    assert code.write(tmp_path) == ["the code of train, assemble changed"]


@pytest.mark.parametrize("text", ["", "[1]", "version: 1", "a: [", "{version: 1, stages: 3}"])
def test_a_damaged_file_is_one_message(tmp_path: Path, text: str) -> None:
    (tmp_path / code.FILE).write_text(text)
    with pytest.raises(UserError, match=r"gan-augment\.lock is damaged: delete it"):
        code.write(tmp_path)
