"""The arithmetic limit: how many operations training takes, and how fast the machine makes them."""

import time
from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

SIDES = (512, 1024, 2048, 4096)
SECONDS = 1.5


class _Counter(TorchDispatchMode):
    """Adds up operations by torch's own formulas.

    `torch.utils.flop_counter.FlopCounterMode` has the same formulas, but also follows modules by
    hooks on their inputs, and those refuse the gradients with respect to images that gradient
    penalties take.
    """

    total = 0

    def __torch_dispatch__(
        self, operator: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        del types
        kwargs = kwargs or {}
        result = operator(*args, **kwargs)
        formula = flop_registry.get(operator._overloadpacket)
        if formula:
            self.total += formula(*args, **kwargs, out_val=result)
        return result


def count_flops(step: Callable[[], object]) -> int:
    """Return the floating point operations of matrix products and convolutions in `step()`.

    A multiplication and an addition are two operations. Everything else (activations, optimisers)
    is not counted, so that shares of the limit err on the low side.
    """
    with _Counter() as counter:
        step()
    return counter.total


def matrix_product_rate(dtype: torch.dtype, device: torch.device) -> float:
    """Return operations per second of the fastest of many square matrix products."""
    return max(2 * side**3 / _shortest(side, dtype, device) for side in SIDES)


def _shortest(side: int, dtype: torch.dtype, device: torch.device) -> float:
    """Return the seconds that the fastest product of two matrices of that side took."""
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    shortest, began = float("inf"), time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        start = time.perf_counter()
        _ = a @ b
        if device.type == "cuda":
            torch.cuda.synchronize()
        shortest = min(shortest, time.perf_counter() - start)
    return shortest
