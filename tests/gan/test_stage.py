"""The training stage: it learns, it resumes exactly, and what it writes can be used."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from pipeline import table
from pipeline.errors import UserError
from pipeline.gan import model, stage
from pipeline.gan.sampling import sample
from pipeline.params import TrainParams

QUICK = TrainParams(
    steps=60, batch_size=32, width=64, eval_interval=20, checkpoint_interval=10, threads=1
)


def outputs(folder: Path) -> dict[str, Path]:
    return {name: folder / name for name in ("model", "history", "scratch")}


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, digits: Path) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("train")
    stage.run(QUICK, {"real": digits}, outputs(folder))
    return contents(folder)


def test_what_is_written(uninterrupted: dict[str, bytes], tmp_path: Path) -> None:
    assert set(uninterrupted) == {
        "model/config.json",
        "model/generator.safetensors",
        "model/discriminator.safetensors",
        "history/losses.csv",
        "history/validation.csv",
        *(f"history/samples/step-{step:06d}.png" for step in (20, 40, 60)),
    }
    (tmp_path / "losses.csv").write_bytes(uninterrupted["history/losses.csv"])
    losses = pd.read_csv(tmp_path / "losses.csv")
    assert losses["step"].tolist() == [20, 40, 60]
    assert np.isfinite(losses).all().all()
    (tmp_path / "sheet.png").write_bytes(uninterrupted["history/samples/step-000060.png"])
    assert min(Image.open(tmp_path / "sheet.png").size) > 500


def test_a_rerun_gives_the_same_bytes(
    uninterrupted: dict[str, bytes], tmp_path: Path, digits: Path
) -> None:
    stage.run(QUICK, {"real": digits}, outputs(tmp_path))
    assert contents(tmp_path) == uninterrupted


def test_killed_and_started_again_it_ends_with_the_same_bytes(
    uninterrupted: dict[str, bytes], tmp_path: Path, digits: Path
) -> None:
    """SIGKILL, twice, each time some way after another checkpoint."""
    settings = {"train": QUICK.model_dump(mode="json"), "evaluate": {"arms": ["real", "gan"]}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(settings))
    command = [str(Path(sys.executable).with_name("gan-augment")), "train", "--real", str(digits)]
    for name, path in outputs(Path()).items():
        command += [f"--{name}", str(path)]
    for number in range(2):
        process = subprocess.Popen(command, cwd=tmp_path, start_new_session=True)
        wanted = 10 * (number + 1)
        while process.poll() is None and not _reached(tmp_path / "scratch", wanted):
            time.sleep(0.01)
        assert process.poll() is None, "the run ended before it could be killed"
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert not (tmp_path / "model").exists()
    finished = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert "train: resuming after step" in finished.stdout
    (tmp_path / "params.yaml").unlink()
    assert contents(tmp_path) == uninterrupted


def _reached(scratch: Path, step: int) -> bool:
    return any(int(path.name[5:14]) >= step for path in scratch.glob("*/step-*"))


def test_it_learns_the_classes(tmp_path: Path, digits: Path) -> None:
    """After 400 steps an SVM taught by the generator knows most real digits: chance is 0.1."""
    params = QUICK.model_copy(
        update={"steps": 400, "width": 256, "batch_size": 64, "eval_interval": 400}
    )
    stage.run(params, {"real": digits}, outputs(tmp_path))
    assert pd.read_csv(tmp_path / "history" / "validation.csv")["cas"].iloc[-1] > 0.85


def test_resnet_trains_on_colour_photographs(datasets: Path, tmp_path: Path) -> None:
    from pipeline.ingest import stage as ingest
    from pipeline.params import IngestParams

    ingest.run(
        IngestParams(source="folder", path=datasets / "trashnet-150", image_size=(16, 16)),
        {},
        {"real": tmp_path / "real"},
    )
    params = QUICK.model_copy(
        update={"network": "resnet", "width": 8, "steps": 30, "precision": "bf16-mixed"}
    )
    stage.run(params, {"real": tmp_path / "real"}, outputs(tmp_path))
    trained = model.load(tmp_path / "model")
    images = sample(trained.generator, trained.shape.latent_dim, 0, range(4), seed=0)
    assert images.shape == (4, 3, 16, 16)
    assert images.std() > 5


def test_a_model_remembers_what_it_is(
    uninterrupted: dict[str, bytes], tmp_path: Path, digits: Path
) -> None:
    for name, content in uninterrupted.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    trained = model.load(tmp_path / "model")
    assert trained.network == "mlp"
    assert trained.classes == table.class_names(digits)
    weights = tmp_path / "model" / "generator.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(UserError, match=r"is not a whole model .*: run `dvc repro train`"):
        model.load(tmp_path / "model")


def test_divergence_is_told_and_leaves_the_old_model(
    uninterrupted: dict[str, bytes], tmp_path: Path, digits: Path
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_bytes(uninterrupted["model/config.json"])
    wild = QUICK.model_copy(update={"learning_rate": 1e12, "gamma": 0.0})
    with pytest.raises(UserError, match="diverged: .* not finite at step 20; lower train.learning"):
        stage.run(wild, {"real": digits}, outputs(tmp_path))
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["config.json"]


def test_a_class_without_training_images_is_named(
    tmp_path: Path, train_images: table.Images
) -> None:
    keep = train_images.labels != 3
    for split in ("train", "validation"):
        rows = table.encode(
            train_images.pixels[keep],
            train_images.labels[keep],
            train_images.classes,
            split=split,
            origin="real",
        )
        table.write(tmp_path / split, [rows], train_images.classes)
    (tmp_path / "validation" / "validation-00000.parquet").rename(
        tmp_path / "train" / "validation-00000.parquet"
    )
    with pytest.raises(UserError, match="class '3' has no training image"):
        stage.run(QUICK, {"real": tmp_path / "train"}, outputs(tmp_path))
