"""docs/architecture.md shows the code as it is, and every room has its layer."""

import tomllib
from pathlib import Path

import networkx as nx
import pytest

from docs import rooms

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def drawn() -> nx.DiGraph:
    return rooms.rooms()


def test_the_picture_is_that_of_the_code(drawn: nx.DiGraph) -> None:
    text = rooms.PAGE.read_text(encoding="utf-8")
    assert rooms.page(text, rooms.section(drawn)) == text, "run `python -m docs.rooms`"


def test_it_shows_imports_that_are_there(drawn: nx.DiGraph) -> None:
    for importer, imported in (
        ("gan_augment.cli", "gan_augment.ingest"),  # inside functions
        ("gan_augment.assemble", "gan_augment.markdown"),
        ("gan_augment_flows", "gan_augment.versions"),
    ):
        assert drawn.has_edge(importer, imported)
    assert nx.is_directed_acyclic_graph(drawn)
    assert not set(drawn.successors("gan_augment.errors"))


def test_another_import_is_another_picture(drawn: nx.DiGraph) -> None:
    changed = drawn.copy()
    changed.add_edge("gan_augment.errors", "gan_augment.new")
    assert "errors --> new" in "\n".join(rooms.arrows(changed))
    assert "errors --> new" not in "\n".join(rooms.arrows(drawn))


def test_every_room_has_a_layer(drawn: nx.DiGraph) -> None:
    content = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layered = next(c for c in content["tool"]["importlinter"]["contracts"] if "layers" in c)
    layers = {name.strip() for layer in layered["layers"] for name in layer.split("|")}
    assert layers == set(drawn)
