"""Would the tests notice a single change to what makes the numbers?

    python -m benchmarks.mutations                              # forty changes a module
    python -m benchmarks.mutations metrics.cas --sample 0       # all changes to one

One change of `benchmarks.changes` after the other is made in a process of its own, and the quick
tests of that module are run. Prints the changes that they do not notice, each of which is a test to
write or makes no difference, and then, as Markdown, how many they do. Workers are other processes,
which no change reaches: what happens in them alone counts as not noticed.
"""

import argparse
import ast
import importlib
import multiprocessing
import os
import resource
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from importlib.machinery import SourceFileLoader
from pathlib import Path
from time import process_time
from types import CodeType
from typing import Any

import pytest

from benchmarks import script
from benchmarks.changes import Change, changed, changes
from gan_augment.errors import UserError, choose
from gan_augment.markdown import table
from gan_augment.seeding import rng

FORK = multiprocessing.get_context("fork")
ROOT = Path(__file__).parents[1]
# What takes longest to import, and is none of ours: once for all processes.
HEAVY = ("torch", "torchvision", "scipy.stats", "sklearn", "pandas", "pyarrow", "PIL", "hypothesis")
LONGEST = 2.0
"""Seconds that a quick test may take of a processor."""
PATIENCE = 600
"""Seconds until a change is taken to hang that does nothing."""

MODULES: Mapping[str, tuple[str, ...]] = {
    "evaluation.statistics": ("evaluation/test_statistics.py",),
    "evaluation.verdict": ("evaluation/test_verdict.py",),
    "evaluation.scores": ("evaluation/test_scores.py",),
    "gan.losses": ("gan/test_losses.py",),
    "gan.penalties": ("gan/test_penalties.py",),
    "gan.sampling": ("gan/test_sampling.py",),
    "gan.batches": ("gan/test_batches.py",),
    "ingest.split": ("ingest/test_split.py",),
    "ingest.groups": ("ingest/test_groups.py",),
    "metrics.cas": ("metrics/test_cas.py",),
    "metrics.fidelity": ("metrics/test_fidelity.py",),
    "metrics.lift": ("metrics/test_lift.py",),
    "metrics.standard": ("metrics/test_standard.py",),
    "metrics.memorisation.copies": ("metrics/memorisation/test_copies.py",),
    "metrics.memorisation.judgement": ("metrics/memorisation/test_judgement.py",),
    "metrics.memorisation.neighbours": ("metrics/memorisation/test_neighbours.py",),
    "metrics.memorisation.statistics": ("metrics/memorisation/test_statistics.py",),
    "versions.gate": ("versions/test_gate.py",),
}


class Quick:
    """A plugin of pytest: times tests, and leaves out those that are known to take long."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self.seconds = seconds

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Put the quickest first."""
        quick = (one for one in items if self.seconds.get(one.nodeid, 0.0) <= LONGEST)
        items[:] = sorted(quick, key=lambda one: self.seconds.get(one.nodeid, 0.0))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: Any) -> Iterator[None]:
        """Note how much of the processor a test takes, without its fixtures."""
        start = process_time()
        yield
        self.seconds[item.nodeid] = process_time() - start


class Trial:
    """A module and its tests, each run of which has a process of its own.

    Raises:
        UserError: the tests fail though nothing is changed.
    """

    def __init__(self, module: str, tests: Sequence[str]) -> None:
        self.name = f"gan_augment.{module}"
        self.tests = [str(ROOT / "tests" / test) for test in tests]
        source = ROOT / "pipeline" / f"{self.name.replace('.', '/')}.py"
        self.tree = ast.parse(source.read_text(encoding="utf-8"))
        self.seconds: dict[str, float] = {}
        ask, answer = FORK.Pipe()
        first = FORK.Process(target=lambda: answer.send((self._run(), self.seconds)))
        first.start()
        failed, self.seconds = ask.recv()
        first.join()
        if failed:
            raise UserError(f"tests of {module} fail as it is: {', '.join(tests)}")

    def notices(self, change: Change) -> bool:
        """Return whether a test fails, or does not end, when a change is made."""
        run = FORK.Process(target=lambda: sys.exit(self._run(change)))
        run.start()
        run.join(PATIENCE)
        hangs = run.is_alive()
        if hangs:
            run.kill()
            run.join()
        return hangs or run.exitcode != 0

    def _run(self, change: Change | None = None) -> int:
        """Run the tests in this process, without a word; return pytest's exit code."""
        if change:
            most = round(30 + process_time() + 10 * sum(self.seconds.values()))
            resource.setrlimit(resource.RLIMIT_CPU, (most, most))
            _put(self.name, changed(self.tree, change))
        plain = ("-x", "-o", "addopts=", "-p", "no:cacheprovider")
        with (
            tempfile.TemporaryDirectory() as scratch,
            Path(os.devnull).open("w") as nowhere,
            redirect_stdout(nowhere),
            redirect_stderr(nowhere),
        ):
            arguments = [*plain, "--basetemp", f"{scratch}/tests", *self.tests]
            return pytest.main(arguments, [Quick(self.seconds)])


def _put(name: str, tree: ast.Module) -> None:
    """Have a module imported, in this process, as a syntax tree has it."""
    for imported in [one for one in sys.modules if one.partition(".")[0] == "gan_augment"]:
        del sys.modules[imported]
    as_it_is = SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, asked: str) -> CodeType | None:
        if asked == name:
            return compile(tree, self.path, "exec")
        return as_it_is(self, asked)

    SourceFileLoader.get_code = get_code


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutations")
    parser.add_argument("modules", nargs="*", help=f"of {', '.join(MODULES)}; all by default")
    parser.add_argument("--sample", type=int, default=40, help="changes a module, 0: all")
    parser.add_argument(
        "--lines", type=int, nargs="*", help="of these alone, once tests are written"
    )
    options = parser.parse_args(arguments)
    for heavy in HEAVY:
        importlib.import_module(heavy)
    modules = options.modules or MODULES
    rows = [_measured(module, options.sample, options.lines) for module in modules]
    print(table(("module", "changes", "tried", "noticed"), rows))


def _measured(module: str, sample: int, lines: Sequence[int] | None) -> list[str]:
    """Print each change that no test notices, and return a row of the table."""
    trial = Trial(module, choose(MODULES, module, "module"))
    every = list(changes(trial.tree))
    tried, noticed = every, 0
    if sample and sample < len(every):
        drawn = rng(0, "mutations", module).choice(len(every), sample, replace=False)
        tried = [every[number] for number in sorted(drawn)]
    if lines:
        tried = [change for change in tried if change.old.lineno in lines]
    for change in tried:
        if trial.notices(change):
            noticed += 1
        else:
            print(f"{module}, line {change}", flush=True)
    return [module, *map(str, (len(every), len(tried), noticed))]


if __name__ == "__main__":
    script.run(main)
