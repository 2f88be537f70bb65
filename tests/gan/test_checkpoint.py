from pathlib import Path

import pytest
import torch
from torch import nn

from gan_augment.gan.checkpoint import TrainingState


def training(seed: int) -> tuple[nn.Module, torch.optim.Optimizer, TrainingState]:
    torch.manual_seed(seed)
    module = nn.Linear(3, 2)
    optimizer = torch.optim.Adam(module.parameters(), fused=True)
    return module, optimizer, TrainingState({"module": module}, {"optimizer": optimizer})


def advance(module: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    module(torch.ones(1, 3)).sum().backward()
    optimizer.step()


def saved(folder: Path, *numbers: tuple[int, int]) -> list[Path]:
    module, optimizer, state = training(0)
    for attempt, step in numbers:
        advance(module, optimizer)
        state.save(folder, attempt, step, {"attempt": attempt})
    return sorted(folder.iterdir())


def test_everything_comes_back(tmp_path: Path) -> None:
    module, optimizer, state = training(0)
    advance(module, optimizer)
    record = {"losses": [{"step": 1, "loss": 0.1}]}
    state.save(tmp_path, 0, 1, record)
    other, other_optimizer, other_state = training(1)
    assert other_state.load_latest(tmp_path) == (1, record)
    advance(module, optimizer)
    advance(other, other_optimizer)
    for a, b in zip(module.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)


def test_only_the_last_two_are_kept(tmp_path: Path) -> None:
    kept = saved(tmp_path, (0, 1), (0, 2), (0, 3), (0, 4))
    assert [path.name[:26] for path in kept] == [
        "attempt-000-step-000000003",
        "attempt-000-step-000000004",
    ]


def test_a_later_attempt_is_newer_whatever_its_step(tmp_path: Path) -> None:
    saved(tmp_path, (0, 10), (0, 20), (1, 10))
    assert training(1)[2].load_latest(tmp_path) == (10, {"attempt": 1})


@pytest.mark.parametrize("damage", ["truncated", "changed"])
def test_a_damaged_file_is_named_and_the_one_before_it_used(
    tmp_path: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    newest = saved(tmp_path, (0, 1), (0, 2))[-1]
    content = newest.read_bytes()
    newest.write_bytes(content[:-5] if damage == "truncated" else content[:-1] + b"\x7f")
    assert training(1)[2].load_latest(tmp_path) == (1, {"attempt": 0})
    assert f"{newest} does not match its digest" in capsys.readouterr().out


def test_nothing_there_is_none(tmp_path: Path) -> None:
    assert training(0)[2].load_latest(tmp_path / "none") is None
