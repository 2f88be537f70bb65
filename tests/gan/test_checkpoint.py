from pathlib import Path

import pytest
import torch
from torch import nn

from pipeline.gan.checkpoint import TrainingState


def training(seed: int) -> tuple[nn.Module, torch.optim.Optimizer, TrainingState]:
    torch.manual_seed(seed)
    module = nn.Linear(3, 2)
    optimizer = torch.optim.Adam(module.parameters(), fused=True)
    return module, optimizer, TrainingState({"module": module}, {"optimizer": optimizer})


def advance(module: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    module(torch.ones(1, 3)).sum().backward()
    optimizer.step()


def test_everything_comes_back(tmp_path: Path) -> None:
    module, optimizer, state = training(0)
    advance(module, optimizer)
    state.record = {"losses": [{"step": 1, "loss": 0.1}]}
    state.save(tmp_path, 1)
    other, other_optimizer, other_state = training(1)
    assert other_state.load_latest(tmp_path) == 1
    assert other_state.record == state.record
    advance(module, optimizer)
    advance(other, other_optimizer)
    for a, b in zip(module.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)


def test_only_the_last_two_are_kept(tmp_path: Path) -> None:
    module, optimizer, state = training(0)
    for step in range(1, 5):
        advance(module, optimizer)
        state.save(tmp_path, step)
    assert [path.name[:14] for path in sorted(tmp_path.iterdir())] == [
        "step-000000003",
        "step-000000004",
    ]


@pytest.mark.parametrize("damage", ["truncated", "changed"])
def test_a_damaged_file_is_named_and_the_one_before_it_used(
    tmp_path: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    module, optimizer, state = training(0)
    for step in (1, 2):
        advance(module, optimizer)
        state.save(tmp_path, step)
    newest = max(tmp_path.iterdir())
    content = newest.read_bytes()
    newest.write_bytes(content[:-5] if damage == "truncated" else content[:-1] + b"\x7f")
    assert training(1)[2].load_latest(tmp_path) == 1
    assert f"{newest} does not match its digest" in capsys.readouterr().out


def test_nothing_there_is_step_zero(tmp_path: Path) -> None:
    assert training(0)[2].load_latest(tmp_path / "none") == 0
