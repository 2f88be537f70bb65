"""Where training runs: device, precision, processes, threads; and making it repeatable there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from lightning_fabric import Fabric
from loky import cpu_count
from torch.distributed import is_initialized

from gan_augment import bfloat16
from gan_augment.allocator import keep_buffers
from gan_augment.gan.networks import NETWORKS
from gan_augment.params import Recipe

RESTARTS = "TORCHELASTIC_RESTART_COUNT"
"""Environment variable: how often torchrun has started the group again."""


def fabric(params: Recipe) -> Fabric:
    """Return Lightning Fabric on a GPU that CUDA knows, else on the processor, launched.

    One process, or those that `torchrun` started: this one is then one of them.
    """
    local, everywhere = (_count(name) for name in ("LOCAL_WORLD_SIZE", "WORLD_SIZE"))
    if everywhere > 1 and os.environ.get(RESTARTS, "0") != "0" and not is_initialized():
        _rejoin()
    made = Fabric(
        accelerator=accelerator(),
        devices=local,
        num_nodes=everywhere // local,
        strategy="ddp" if everywhere > 1 else "auto",
        precision=_precision(params),
    )
    made.launch()
    return made


def accelerator() -> str:
    """Return what training runs on, in Fabric's words: "cuda" or "cpu"."""
    # Not "auto", which may be an Apple GPU: it has no float64, in which samples are scored.
    return "cuda" if torch.cuda.is_available() else "cpu"


def place() -> tuple[int, int]:
    """Return which of how many processes this is, as `torchrun` says, before any has joined."""
    return _count("RANK", 0), _count("WORLD_SIZE")


def _rejoin() -> None:
    """Join the other processes of a group that torchrun has started again.

    It keeps one store for all attempts, in which a process would find the addresses of those that
    are dead, and wait for them: each attempt has keys of its own here.
    """
    from torch.distributed.distributed_c10d import PrefixStore
    from torch.distributed.rendezvous import rendezvous

    found, rank, processes = next(rendezvous("env://"))
    torch.distributed.init_process_group(
        "nccl" if torch.cuda.is_available() else "gloo",
        store=PrefixStore(f"attempt {os.environ[RESTARTS]}", found),
        rank=rank,
        world_size=processes,
    )


def describe(params: Recipe, fabric: Fabric) -> dict[str, Any]:
    """Return what besides data and params decides the bytes of the result."""
    on_gpu = fabric.device.type == "cuda"
    return {
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name() if on_gpu else "cpu",
        "precision": _precision(params),
        "threads": _threads(params),
        "processes": fabric.world_size,
    }


@contextmanager
def deterministic(threads: int) -> Iterator[None]:
    """Fix the thread count and choose deterministic kernels inside the block."""
    keep_buffers()
    settings: Any = torch.utils.deterministic
    before = torch.get_num_threads(), settings.fill_uninitialized_memory
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    # Filling fresh memory would only mask reads of it, of which there are none; it costs 4 %.
    settings.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)
        torch.set_num_threads(before[0])
        settings.fill_uninitialized_memory = before[1]


def _precision(params: Recipe) -> Any:
    """Return bf16 where the processor multiplies it natively, for networks that gain from it."""
    if params.precision != "auto":
        return params.precision
    native = bfloat16.native(on_gpu=torch.cuda.is_available())
    return "bf16-mixed" if native and not NETWORKS[params.network].small else "32-true"


def _threads(params: Recipe) -> int:
    """Return this process's share of the cores; small matrices are not worth sharing."""
    cores = cpu_count() // _count("LOCAL_WORLD_SIZE")
    return params.threads or (1 if NETWORKS[params.network].small else max(cores, 1))


def _count(name: str, default: int = 1) -> int:
    """Return a number that `torchrun` sets."""
    return int(os.environ.get(name, default))
