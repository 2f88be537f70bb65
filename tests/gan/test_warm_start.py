import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gan_augment.errors import UserError
from gan_augment.gan import model, warm_start
from gan_augment.gan.networks import Shape, build
from gan_augment.params import Origin


def halves(classes: int, channels: int = 1, seed: int = 0, width: int = 16):
    torch.manual_seed(seed)
    return build("mlp", Shape(channels, (8, 8), classes, 5, 4, width))


def test_what_fits_is_copied_and_the_rest_is_listed() -> None:
    (old, _), (new, _) = halves(3), halves(5, seed=1)
    fresh = new.embedding.table.weight.clone()
    lines = warm_start.initialise(new, old.state_dict(), "generator")
    assert lines == ["generator embedding.table.weight: 3×4 there, 5×4 here"]
    assert torch.equal(new.embedding.table.weight, fresh)
    assert torch.equal(new.to_pixels.weight, old.to_pixels.weight)


def test_other_channels_start_anew() -> None:
    (_, old), (_, new) = halves(3), halves(3, channels=3)
    lines = warm_start.initialise(new, old.state_dict(), "discriminator")
    assert lines == ["discriminator hidden.0.weight: 16×64 there, 16×192 here"]


def test_another_network_is_refused() -> None:
    other = build("dcgan", Shape(1, (8, 8), 3, 5, 4, 8))[0]
    weights = {key: w for key, w in other.state_dict().items() if "embedding" not in key}
    with pytest.raises(UserError, match="no weight of its generator fits"):
        warm_start.initialise(halves(3)[0], weights, "generator")


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"init_from: .*config.json is missing"):
        warm_start.fetch(Origin(path=tmp_path), tmp_path / "scratch")


def test_only_the_first_process_gets_the_model(tmp_path: Path) -> None:
    origin = Origin(repo=str(tmp_path / "nowhere"), path=Path("model"))
    with pytest.raises(UserError, match=r"init_from/config.json is missing"):
        warm_start.fetch(origin, tmp_path / "scratch", first=False)


def test_what_dvc_says_is_passed_on(tmp_path: Path) -> None:
    origin = Origin(repo=str(tmp_path / "nowhere"), path=Path("model"))
    with pytest.raises(UserError, match=r"train.init_from: `dvc get` failed: .*nowhere"):
        warm_start.fetch(origin, tmp_path / "scratch")


def test_a_model_comes_from_a_revision_of_a_dvc_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two versions of a model: the tag gets the first, though the second is checked out."""
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    repository = tmp_path / "repository"
    folder = repository / "models" / "generator"
    shape = Shape(1, (8, 8), 3, 5, 4, 16)

    def run(*command: str) -> None:
        subprocess.run(command, cwd=repository, check=True, capture_output=True)

    repository.mkdir()
    run("git", "init", "-q")
    run("git", "config", "user.email", "test@example.com")
    run("git", "config", "user.name", "test")
    run(sys.executable, "-m", "dvc", "init", "-q")
    versions = [halves(3, seed=seed) for seed in (0, 1)]
    for number, version in enumerate(versions):
        folder.mkdir(parents=True, exist_ok=True)
        model.save(
            folder, *version, network="mlp", shape=shape, classes=("a", "b", "c"), training={}
        )
        run(sys.executable, "-m", "dvc", "add", "-q", "models/generator")
        run("git", "add", "-A")
        run("git", "commit", "-qm", f"version {number}")
        run("git", "tag", f"v{number}")

    origin = Origin(repo=str(repository), rev="v0", path=Path("models/generator"))
    fetched = warm_start.fetch(origin, tmp_path / "scratch")
    weights = warm_start.read(fetched, None)["generator"]
    assert torch.equal(weights["to_pixels.weight"], versions[0][0].to_pixels.weight)
