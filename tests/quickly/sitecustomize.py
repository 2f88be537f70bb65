"""Python imports this first in whatever tests start: feature networks learn for a moment only.

They take most of the time of a pipeline with tiny settings; how good they are concerns no test but
their own, in tests/metrics/features.
"""

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

MODULE = "gan_augment.metrics.features.training"
STEPS = 60, 60


class Quickly(MetaPathFinder):
    """Finds the module as others do, and changes it as soon as it is imported."""

    def find_spec(self, name: str, *_: Any) -> ModuleSpec | None:
        if name != MODULE:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        assert spec
        assert spec.loader
        execute = spec.loader.exec_module

        def execute_and_change(module: ModuleType) -> None:
            execute(module)
            module.STEPS = STEPS  # type: ignore[attr-defined]

        spec.loader.exec_module = execute_and_change  # type: ignore[method-assign]
        return spec


sys.meta_path.insert(0, Quickly())
