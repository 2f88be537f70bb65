"""The examples in docstrings and docs show what they say, in a project with data/augmented."""

import doctest
import importlib
from pathlib import Path

import pytest

import gan_augment

ROOT = Path(__file__).parents[2]
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
LEAST = {
    "gan_augment.data.classifier": 7,
    "gan_augment.data.loading": 25,
    "gan_augment.data.dataset": 4,
}


@pytest.fixture(autouse=True)
def _in_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)


@pytest.mark.parametrize("name", LEAST)
def test_docstrings(name: str) -> None:
    outcome = doctest.testmod(importlib.import_module(name), optionflags=FLAGS)
    assert outcome.failed == 0
    assert outcome.attempted >= LEAST[name]


def test_no_other_module_has_examples() -> None:
    sources = (ROOT / "pipeline").rglob("*.py")
    found = (source for source in sources if ">>> " in source.read_text(encoding="utf-8"))
    assert {
        ".".join(source.relative_to(ROOT / "pipeline").with_suffix("").parts) for source in found
    } == set(LEAST)


@pytest.mark.parametrize(("page", "least"), [("python", 15), ("classifier", 4)])
def test_pages(page: str, least: int) -> None:
    page = str(ROOT / f"docs/{page}.md")
    names = {name: getattr(gan_augment, name) for name in ("load", "load_classifier")}
    outcome = doctest.testfile(page, module_relative=False, optionflags=FLAGS, globs=names)
    assert outcome.failed == 0
    assert outcome.attempted >= least
