"""The picture of the rooms in architecture.md, drawn from the imports of the code.

`python -m docs.rooms` draws it anew; a test fails while the page shows another.
"""

import ast
from pathlib import Path

import grimp
import networkx as nx

PAGE = Path(__file__).parent / "architecture.md"
BEGIN, END = "<!-- drawn by docs/rooms.py -->\n", "<!-- end of what is drawn -->\n"
COMPONENT, FLOWS = "gan_augment", "gan_augment_flows"


def rooms() -> nx.DiGraph:
    """Return the rooms, an edge from each to those that it imports, inside functions too.

    A room is a package or module right below `gan_augment`, or all of `gan_augment_flows`. The API
    that `gan_augment` itself imports late is no edge: its package is where all rooms are.
    """
    imports = grimp.build_graph(
        COMPONENT, FLOWS, exclude_type_checking_imports=True, cache_dir=None
    )
    drawn = nx.DiGraph()
    drawn.add_nodes_from(sorted({_room(module) for module in imports.modules} - {COMPONENT}))
    for module in imports.modules - {COMPONENT}:
        for imported in imports.find_modules_directly_imported_by(module):
            if imported != COMPONENT and _room(module) != _room(imported):
                drawn.add_edge(_room(module), _room(imported))
    return drawn


def section(drawn: nx.DiGraph) -> str:
    """Return the picture as Mermaid, and a line on each room, the uppermost first."""
    order = nx.lexicographical_topological_sort(drawn)
    return "\n".join(
        [
            "```mermaid",
            "flowchart TD",
            *(f"    {_short(room)}" for room in sorted(drawn)),
            *(f"    {arrow}" for arrow in arrows(drawn)),
            "```",
            "",
            *(f"- `{_short(room)}`: {_purpose(room)}" for room in order),
            "",
        ]
    )


def arrows(drawn: nx.DiGraph) -> list[str]:
    """Return the arrows of the picture, less those that follow from others."""
    edges = sorted(nx.transitive_reduction(drawn).edges)
    return [f"{_short(room)} --> {_short(imported)}" for room, imported in edges]


def page(text: str, drawn: str) -> str:
    """Return the page with what is drawn between its two marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{drawn}\n{END}{after}"


def _room(module: str) -> str:
    return FLOWS if module.startswith(FLOWS) else ".".join(module.split(".")[:2])


def _short(room: str) -> str:
    return room.removeprefix(f"{COMPONENT}.")


def _purpose(room: str) -> str:
    """Return the first sentence of a room's docstring."""
    root = Path(__file__).parents[1] / ("flows" if room == FLOWS else "pipeline")
    place = root.joinpath(*room.split("."))
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    words = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return " ".join(words.partition("\n\n")[0].split())


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), section(rooms())), encoding="utf-8")
