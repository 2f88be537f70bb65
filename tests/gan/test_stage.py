"""The training stage: it learns, it resumes exactly, and what it writes can be used."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import load_file

from gan_augment import mapped, table
from gan_augment.alone import LOCKS
from gan_augment.errors import UserError
from gan_augment.gan import environment, model, stage
from gan_augment.gan.networks import NETWORKS
from gan_augment.gan.sampling import sample
from gan_augment.metrics.features import training
from gan_augment.params import TrainParams

QUICK = TrainParams(
    steps=60, batch_size=32, width=64, eval_interval=20, checkpoint_interval=10, threads=1
)


def outputs(folder: Path) -> dict[str, Path]:
    return {name: folder / name for name in ("model", "history", "scratch")}


def train(folder: Path, real: Path, **settings: Any) -> Path:
    """Train with quick settings and return the folder of outputs."""
    stage.run(
        QUICK.model_validate({**QUICK.model_dump(), **settings}), {"real": real}, outputs(folder)
    )
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder but for locks, which name processes."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.parent.name != LOCKS.name
    }


def history(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / "history" / f"{name}.csv")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, digits: Path) -> Path:
    return train(tmp_path_factory.mktemp("train"), digits)


def test_what_is_written(uninterrupted: Path) -> None:
    assert set(contents(uninterrupted)) == {
        "model/config.json",
        "model/generator.safetensors",
        "model/discriminator.safetensors",
        "history/losses.csv",
        "history/validation.csv",
        "history/events.csv",
        "history/floor.json",
        *(f"history/samples/step-{step:06d}.png" for step in (20, 40, 60)),
    }
    losses, scores = (history(uninterrupted, name) for name in ("losses", "validation"))
    assert losses["step"].tolist() == scores["step"].tolist() == [20, 40, 60]
    assert np.isfinite(losses).all().all()
    assert np.isfinite(scores).all().all()
    assert history(uninterrupted, "events").empty
    sheet = uninterrupted / "history" / "samples" / "step-000060.png"
    assert min(Image.open(sheet).size) > 500


def test_training_images_set_a_floor_that_the_generator_does_not_reach_at_once(
    tmp_path: Path, digits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As seen by a feature network that has learned for long enough."""
    monkeypatch.setattr(training, "STEPS", (200, 1000))
    train(tmp_path, digits, steps=20)
    floor = json.loads((tmp_path / "history" / "floor.json").read_text())
    assert floor["features"].startswith("network-")
    last = history(tmp_path, "validation").iloc[-1]
    for name in ("fid", "kid", "kid_pixels"):
        assert floor[name] < last[name]
    for name in ("cas", "precision", "coverage", "inception_score"):
        assert floor[name] > last[name]


def test_a_rerun_gives_the_same_bytes(uninterrupted: Path, tmp_path: Path, digits: Path) -> None:
    assert contents(train(tmp_path, digits)) == contents(uninterrupted)


def test_weights_of_inception_are_part_of_what_a_run_is_known_by(
    tmp_path: Path, digits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: list[Any] = []
    monkeypatch.setattr(stage, "_train", lambda *given: known.append(given[2]))
    for content in (b"one", b"another"):
        (tmp_path / "weights.pth").write_bytes(content)
        train(tmp_path, digits, inception_weights=tmp_path / "weights.pth")
    assert known[0] != known[1]
    with pytest.raises(UserError, match="inception_weights: nowhere cannot be read: No such file"):
        train(tmp_path, digits, inception_weights="nowhere")


class Killable:
    """`gan-augment train` in a process of its own, to be killed at chosen moments."""

    def __init__(self, folder: Path, real: Path, **settings: Any) -> None:
        params = {**QUICK.model_dump(mode="json"), **settings}
        content = {"train": params, "evaluate": {"arms": ["real", "gan"]}}
        (folder / "params.yaml").write_text(yaml.safe_dump(content))
        program = str(Path(sys.executable).with_name("gan-augment"))
        self.command = [program, "train", "--real", str(real)]
        for name, path in outputs(Path()).items():
            self.command += [f"--{name}", str(path)]
        self.folder = folder

    def kill_when(self, moment: Callable[[], bool]) -> None:
        process = subprocess.Popen(self.command, cwd=self.folder, start_new_session=True)
        while process.poll() is None and not moment():
            time.sleep(0.001)
        assert process.poll() is None, "the run ended before it could be killed"
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def in_two(self) -> "Killable":
        """Return the same by torchrun in two processes, a group that is restarted once."""
        launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        launcher += ["--nproc-per-node", "2", "--max-restarts", "1", "--no-python"]
        self.command = [*launcher, *self.command]
        return self

    def kill_one_when(self, moment: Callable[[], bool]) -> str:
        """Kill the second process of two, and return what is printed until the group has ended."""
        process = subprocess.Popen(
            self.command, cwd=self.folder, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        while process.poll() is None and not moment():
            time.sleep(0.001)
        group = psutil.Process(process.pid).children()
        (second,) = [one for one in group if one.environ().get("LOCAL_RANK") == "1"]
        second.kill()
        printed, _ = process.communicate(timeout=300)
        assert process.returncode == 0
        (self.folder / "params.yaml").unlink()
        return printed

    def finish(self) -> str:
        done = subprocess.run(
            self.command, cwd=self.folder, check=True, capture_output=True, text=True
        )
        (self.folder / "params.yaml").unlink()
        return done.stdout

    def reached(self, step: int) -> bool:
        checkpoints = self.folder.glob("scratch/*/attempt-*")
        return any(int(path.name[17:26]) >= step for path in checkpoints)

    def writing(self) -> bool:
        return any(self.folder.glob("scratch/*/.new.safetensors.partial"))


def test_killed_and_started_again_it_ends_with_the_same_bytes(
    uninterrupted: Path, tmp_path: Path, digits: Path
) -> None:
    """SIGKILL, twice, each time some way after another checkpoint."""
    run = Killable(tmp_path, digits)
    for step in (10, 20):
        run.kill_when(lambda step=step: run.reached(step))
        assert not (tmp_path / "model").exists()
    assert "train: resuming after step" in run.finish()
    assert contents(tmp_path) == contents(uninterrupted)


CUT_SHORT = """
import os
from gan_augment.cli import main
from gan_augment.gan import checkpoint

save_file, saved = checkpoint.save_file, []

def cut_short(tensors, path, **more):
    save_file(tensors, path, **more)
    if len(saved) == 2:
        os.truncate(path, os.path.getsize(path) // 2)
        os.kill(os.getpid(), 9)
    saved.append(path)

checkpoint.save_file = cut_short
main()
"""
"""Killed in the middle of its third checkpoint, after those of steps 0 and 10."""


def test_killed_while_a_checkpoint_is_written_it_ends_with_the_same_bytes(
    uninterrupted: Path, tmp_path: Path, digits: Path
) -> None:
    run = Killable(tmp_path, digits)
    command = [sys.executable, "-c", CUT_SHORT, *run.command[1:]]
    killed = subprocess.run(command, cwd=tmp_path, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert run.reached(10)
    assert run.writing()
    assert "train: resuming after step 10" in run.finish()
    assert contents(tmp_path) == contents(uninterrupted)


def test_it_learns_the_classes_and_keeps_the_best(tmp_path: Path, digits: Path) -> None:
    """After 400 steps an SVM taught by the generator knows most real digits: chance is 0.1."""
    train(tmp_path, digits, steps=400, width=256, batch_size=64, eval_interval=100)
    scores = history(tmp_path, "validation")
    assert scores["cas"].max() > 0.85
    best = json.loads((tmp_path / "model" / "config.json").read_text())["training"]["best"]
    highest = scores.loc[scores["cas"].idxmax()]
    level = scores[scores["cas"] >= highest["cas"] - highest["cas_error"]]
    assert best["step"] == level.loc[level["kid"].idxmin(), "step"]


@pytest.mark.parametrize("network", [name for name, kind in NETWORKS.items() if kind.images])
def test_every_network_trains_on_colour_photographs(
    network: str, photographs: Path, tmp_path: Path
) -> None:
    train(tmp_path, photographs, network=network, width=8, steps=20, precision="bf16-mixed")
    trained = model.load(tmp_path / "model")
    images = sample(trained.generator, trained.shape.latent_dim, 0, range(4), seed=0)
    assert images.shape == (4, 3, 16, 16)
    assert images.std() > 5


@pytest.fixture(scope="module")
def photographs(datasets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from gan_augment.ingest import stage as ingest
    from gan_augment.params import IngestParams

    real = tmp_path_factory.mktemp("photographs") / "real"
    ingest.run(
        IngestParams(source="folder", path=datasets / "trashnet-150", image_size=(16, 16)),
        {},
        {"real": real},
    )
    return real


def test_a_model_remembers_what_it_is(uninterrupted: Path, tmp_path: Path, digits: Path) -> None:
    for name, content in contents(uninterrupted).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    trained = model.load(tmp_path / "model")
    assert trained.network == "mlp"
    assert trained.classes == table.class_names(digits)
    assert trained.discriminator(torch.zeros(2, 1, 8, 8), torch.tensor([0, 1])).shape == (2,)
    weights = tmp_path / "model" / "generator.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(UserError, match=r"is not a whole model .*: run `dvc repro train`"):
        model.load(tmp_path / "model")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"classes": 5}, "'int' object is not iterable"),
        ({"classes": ["a", "b"]}, "names other classes"),
        ({"network": "nope"}, "nope"),
        ({"space": "x"}, "not a mapping"),
        ({"width": 300_000}, r"generator.safetensors: .* by config.json .*300000"),
        ({"width": [8] * 100_000}, "more than 100 layers"),
        ({"width": 10**30}, "is not a whole model"),
        ({"size": None}, "is not a whole model"),
        ({"features": 10**9}, "generator.safetensors: codec"),
    ],
)
def test_a_config_that_does_not_fit_its_weights_takes_no_memory(
    uninterrupted: Path, tmp_path: Path, change: dict[str, object], said: str
) -> None:
    """A width of 300,000 would take 720 GB."""
    shutil.copytree(uninterrupted / "model", tmp_path / "model")
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    for key, value in change.items():
        (config if key in config else config["shape"])[key] = value
    (tmp_path / "model" / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match=said):
        model.load(tmp_path / "model")


def test_without_classes_there_is_no_cas_and_kid_chooses(tmp_path: Path, digits: Path) -> None:
    train(tmp_path, digits, conditional=False)
    scores = history(tmp_path, "validation")
    assert scores["cas"].isna().all()
    trained = model.load(tmp_path / "model")
    assert not trained.conditional
    z = torch.randn(1, trained.shape.latent_dim).repeat(2, 1)
    one, other = trained.generator(z, torch.tensor([0, 1]))
    torch.testing.assert_close(one, other)
    best = json.loads((tmp_path / "model" / "config.json").read_text())["training"]["best"]
    assert best["kid"] == pytest.approx(scores["kid"].min())


def test_a_warm_start_lists_what_starts_anew_and_begins_better(
    tmp_path: Path, digits: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From a model of the digits 0–4 to all ten: five more rows in either label embedding."""
    images = {split: table.read(digits, split) for split in ("train", "validation")}
    parts = []
    for split, of in images.items():
        rows = of.labels < 5
        pixels, labels = of.pixels[rows], of.labels[rows]
        parts.append(table.encode(pixels, labels, of.classes[:5], split=split, origin="real"))
    table.write(tmp_path / "half", parts, images["train"].classes[:5])
    (tmp_path / "before").mkdir()
    train(tmp_path / "before", tmp_path / "half", steps=400, width=128, eval_interval=400)
    capsys.readouterr()
    scores = {}
    for name, origin in (("scratch", None), ("warm", tmp_path / "before" / "model")):
        start = {"init_from": {"path": origin}} if origin else {}
        train(tmp_path / name, digits, steps=40, width=128, eval_interval=40, **start)
        scores[name] = history(tmp_path / name, "validation")["kid_pixels"].iloc[0]
    printed = capsys.readouterr().out
    assert "starts anew, since it does not fit: generator embedding.table.weight: 5×32" in printed
    assert "discriminator logit.embedding.table.weight: 5×128 there, 10×128 here" in printed
    assert scores["warm"] < scores["scratch"]


def test_groups_that_do_not_fit_into_shares_are_refused_before_training(
    tmp_path: Path, digits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "place", lambda: (0, 8))
    with pytest.raises(UserError, match="groups of 4 images in each of 8 processes"):
        train(tmp_path, digits, minibatch_stddev=True, batch_size=16)


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


SHARED: dict[str, Any] = {"steps": 20, "augment": ["colour"], "learning_rate": 1e-4}
"""At this learning rate Adam, which divides by small gradients, does not blow rounding up."""


@pytest.fixture(scope="module")
def by_two(tmp_path_factory: pytest.TempPathFactory, digits: Path) -> Path:
    folder = tmp_path_factory.mktemp("two")
    Killable(folder, digits, **SHARED).in_two().finish()
    return folder


def test_two_processes_agree_with_one_on_the_whole_batch(
    tmp_path: Path, digits: Path, by_two: Path
) -> None:
    """By torchrun and gloo, each with half of every batch; only the first writes."""
    train(tmp_path, digits, **SHARED)
    one, two = (
        load_file(folder / "model" / "generator.safetensors") for folder in (tmp_path, by_two)
    )
    for name, weights in one.items():
        torch.testing.assert_close(two[name], weights, atol=1e-6, rtol=1e-5)
    losses = [history(folder, "losses") for folder in (tmp_path, by_two)]
    np.testing.assert_allclose(losses[0], losses[1], atol=1e-3, rtol=1e-3)
    config = json.loads((by_two / "model" / "config.json").read_text())
    assert config["training"]["environment"]["processes"] == 2


def test_one_of_two_processes_killed_torchrun_goes_on_from_the_last_checkpoint(
    tmp_path: Path, digits: Path, by_two: Path
) -> None:
    run = Killable(tmp_path, digits, **SHARED).in_two()
    printed = run.kill_one_when(lambda: run.reached(10))
    assert "train: resuming after step" in printed
    assert contents(tmp_path) == contents(by_two)


def test_mapped_from_a_file_images_give_the_same_bytes(
    tmp_path: Path, digits: Path, uninterrupted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapped, "MAPPED_FROM", 0)
    train(tmp_path, digits)
    assert len(list((tmp_path / mapped.FOLDER).glob("*.npy"))) == 2
    shutil.rmtree(tmp_path / mapped.FOLDER)
    assert contents(tmp_path) == contents(uninterrupted)
