"""gan-augment.lock: which code each stage uses, so that a change reruns what it concerns, no more.

The file holds the version and a hash a stage. A stage of dvc.yaml depends on its own key of it, as
it does on its section of params.yaml; the stage `lock` writes it before all others, whenever
`dvc repro` runs. The hash is over the modules that the stage imports, directly or not, inside
functions too, and over data files beside them; of `params.py` only over the definitions that they
import. Comments, docstrings and blank lines do not count, nor does what only a person sees.
"""

import ast
import io
import tokenize
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from gan_augment.errors import UserError
from gan_augment.storage import digest, write_text

FILE = Path("gan-augment.lock")
PACKAGE = "gan_augment"
STAGES = {
    "ingest": "gan_augment.ingest.stage",
    "embed": "gan_augment.embed.stage",
    "train": "gan_augment.gan.stage",
    "generate": "gan_augment.synthesis.stage",
    "evaluate": "gan_augment.evaluation.stage",
    "report": "gan_augment.report.stage",
    "assemble": "gan_augment.assemble.stage",
    "classifier": "gan_augment.classifier.stage",
}
"""The module that runs each stage."""
SETTINGS = "gan_augment.params"
LOOKS = frozenset({PACKAGE, SETTINGS, "gan_augment.errors", "gan_augment.progress"})
"""Modules that are not hashed as a whole: no result depends on what they print."""
HEADER = (
    "# Written by `gan-augment lock`, which `dvc repro` runs first: the code that stages use.\n"
)


def installed() -> dict[str, Any]:
    """Return what gan-augment.lock says of the installed code: `version`, and `stages` by name."""
    import grimp

    graph = grimp.build_graph(PACKAGE, exclude_type_checking_imports=True, cache_dir=None)
    folder = Path(__file__).parents[1]
    return {
        "version": version("gan-augment"),
        "stages": {
            stage: fingerprint(_modules(graph, start), folder) for stage, start in STAGES.items()
        },
    }


def recorded(root: Path) -> dict[str, Any]:
    """Return what gan-augment.lock in `root` says; without the file, of no version and no stage.

    Raises:
        UserError: it is not what `gan-augment lock` writes.
    """
    path = root / FILE
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return {"version": str(content["version"]), "stages": dict(content["stages"])}
    except FileNotFoundError:
        return {"version": None, "stages": {}}
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, ValueError):
        raise UserError(f"{path} is damaged: delete it, and run `dvc repro`") from None


def outdated(root: Path) -> list[str]:
    """Return the stages whose installed code is not that of gan-augment.lock in `root`."""
    return _differing(recorded(root)["stages"], installed()["stages"])


def write(root: Path) -> list[str]:
    """Bring gan-augment.lock in `root` up to date; return what changed, a sentence each.

    Raises:
        UserError: the file is damaged or cannot be written.
    """
    before, now = recorded(root), installed()
    if before == now:
        return []
    write_text(root / FILE, HEADER + yaml.safe_dump(now, sort_keys=False))
    if not before["stages"]:
        return [f"gan-augment {now['version']}"]
    said = []
    if before["version"] != now["version"]:
        said.append(f"gan-augment {before['version']} became {now['version']}")
    changed = _differing(before["stages"], now["stages"])
    said.append(f"the code of {', '.join(changed)} changed" if changed else "no stage is concerned")
    return said


def fingerprint(modules: Iterable[str], folder: Path) -> str:
    """Return the hash of modules of the package that lies in `folder`: 16 hex digits."""
    paths = {name: _path(name, folder) for name in sorted(modules)}
    parts: list[str | bytes] = []
    for name, path in paths.items():
        if name not in LOOKS:
            parts += [name, _essence(path)]
    parts += _definitions(_path(SETTINGS, folder), _imported(paths.values()))
    for place in sorted({path.parent for path in paths.values()} - {folder}):
        for file in sorted(place.iterdir()):
            if file.is_file() and file.suffix not in (".py", ".pyc"):
                parts += [file.relative_to(folder).as_posix(), file.read_bytes()]
    return digest(*parts)


def _differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    return [stage for stage in other if other[stage] != one.get(stage)]


def _modules(graph: Any, start: str) -> set[str]:
    """Return a module and all that it imports of the package, and the packages that they are in.

    The package at the top is left out: it offers everything, and stages use nothing of it.
    """
    found: set[str] = set()
    waiting = [start]
    while waiting:
        module = waiting.pop()
        if module not in found and module != PACKAGE:
            found.add(module)
            waiting += [module.rpartition(".")[0], *graph.find_modules_directly_imported_by(module)]
    return found


def _path(module: str, folder: Path) -> Path:
    path = folder.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _essence(path: Path) -> str:
    """Return a source without comments, docstrings and blank lines, the same on every Python."""
    return "\n".join(filter(None, _lines(path.read_text(encoding="utf-8"))))


@cache
def _lines(source: str) -> Sequence[str]:
    """Return the lines of a source, emptied of comments and docstrings."""
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Expr(value=ast.Constant(value=str()), lineno=first, end_lineno=int(last)):
                lines[first - 1 : last] = [""] * (last - first + 1)
    return [line.rstrip() for line in lines]


def _imported(paths: Iterable[Path]) -> set[str]:
    """Return the names that sources import from `params.py`; "*" for all of it."""
    return {name for path in paths for name in _imports(path.read_text(encoding="utf-8"))}


@cache
def _imports(source: str) -> Set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ImportFrom(module=module, names=found) if module == SETTINGS:
                names |= {alias.name for alias in found}
            case ast.ImportFrom(module=module, names=found) if module == PACKAGE:
                names |= {"*" for alias in found if f"{PACKAGE}.{alias.name}" == SETTINGS}
            case ast.Import(names=found):
                names |= {"*" for alias in found if alias.name == SETTINGS}
    return names


def _definitions(path: Path, names: Set[str]) -> list[str]:
    """Return the definitions of names in a source, and of the names that these use."""
    source = path.read_text(encoding="utf-8")
    lines, found = _lines(source), _statements(source)
    needed: set[str] = set()
    waiting = list(found if "*" in names else names)
    while waiting:
        name = waiting.pop()
        if name in found and name not in needed:
            needed.add(name)
            waiting += [used.id for used in ast.walk(found[name]) if isinstance(used, ast.Name)]
    return ["\n".join(filter(None, _extent(found[name], lines))) for name in sorted(needed)]


@cache
def _statements(source: str) -> Mapping[str, ast.stmt]:
    """Return the statement that defines each name of a source."""
    return {name: node for node in ast.parse(source).body for name in _defined(node)}


def _defined(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
            yield name
        case ast.Assign(targets=targets):
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name


def _extent(node: ast.stmt, lines: Sequence[str]) -> Sequence[str]:
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    return lines[first - 1 : node.end_lineno]
