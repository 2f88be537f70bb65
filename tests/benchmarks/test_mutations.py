import ast
import subprocess
import sys
from pathlib import Path

from benchmarks.changes import changed, changes
from benchmarks.mutations import MODULES, ROOT

SOURCE = '''
def share(part: int | None, whole: float = 2.0, strict: bool = True) -> float | None:
    """Return part ÷ whole."""
    if not strict or part is None:
        return None
    part += 1
    return -part / max(whole, 3) if 0 < part <= whole else f"{part:.1f}"
'''
CHANGES = {
    "2.0 → 3.0",
    "2.0 → 1.0",
    "True → False",
    "not strict or part is None → not strict and part is None",
    "not strict → strict",
    "part is None → part is not None",
    "part += 1 → part -= 1",
    "1 → 2",
    "1 → 0",
    "-part / max(whole, 3) → -part * max(whole, 3)",
    "-part → part",
    "3 → 4",
    "3 → 2",
    "0 < part <= whole → 0 <= part <= whole",
    "0 < part <= whole → 0 >= part <= whole",
    "0 < part <= whole → 0 < part < whole",
    "0 < part <= whole → 0 < part > whole",
    "0 → 1",
    "0 → -1",
}


def test_changes_are_single_and_leave_types_and_texts_alone() -> None:
    found = [
        f"{ast.unparse(change.old)} → {ast.unparse(change.new)}"
        for change in changes(ast.parse(SOURCE))
    ]
    returned = [one for one in found if one.endswith("→ return None")]
    assert sorted(set(found) - set(returned)) == sorted(CHANGES)
    assert len(found) == len(CHANGES) + len(returned)
    assert len(returned) == 1


def test_a_change_is_made_where_it_was_found_and_nowhere_else() -> None:
    tree = ast.parse("a = 1 + 1\nb = 1 + 1")
    second = next(one for one in changes(tree) if one.old.lineno == 2)
    assert str(second) == "2: `1 + 1` → `1 - 1`"
    assert ast.unparse(changed(tree, second)) == "a = 1 + 1\nb = 1 - 1"


def test_every_module_and_its_tests_are_there() -> None:
    for module, tests in MODULES.items():
        assert (ROOT / "pipeline" / "gan_augment" / f"{module.replace('.', '/')}.py").is_file()
        assert all((ROOT / "tests" / test).is_file() for test in tests)


TRIALS = """
import sys
from pathlib import Path
from benchmarks.changes import changes
from benchmarks.mutations import Trial
from gan_augment.errors import UserError
tests = Path(sys.argv[1])
tests.write_text(
    "from gan_augment.errors import shortened\\n"
    "def test_it():\\n"
    "    assert shortened('a' * 201) == 'a' * 200 + '…'\\n"
)
trial = Trial("errors", [str(tests)])
found = {str(one).partition(": ")[2]: one for one in changes(trial.tree)}
for words in ("`200` → `201`", "`len(text) <= most` → `len(text) < most`", "`1` → `2`"):
    print(trial.notices(found[words]))
tests.write_text("def test_it():\\n    assert False\\n")
try:
    Trial("errors", [str(tests)])
except UserError as error:
    print(error)
"""


def test_tests_notice_what_changes_something_and_nothing_else(tmp_path: Path) -> None:
    """Of a module as it is: its tests, and one that looks at nothing.

    In a process of its own, as the benchmark runs: one that has run other tests forks all that
    they left.
    """
    tests = tmp_path / "test_hint.py"
    done = subprocess.run(
        [sys.executable, "-c", TRIALS, str(tests)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    said = f"tests of errors fail as it is: {tests}"
    assert done.stdout.splitlines() == ["True", "False", "False", said], done.stderr
