"""The params in examples/ are whole, and fit the datasets that they name."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from gan_augment import names, params, table
from gan_augment.embed.choice import PIXELS_UP_TO
from gan_augment.ingest import stage

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
CLUSTER = ROOT / "examples" / "cluster"
FOLDERS = {"trashnet": "trashnet-150", "fashion-mnist": "fashion-mnist"}
TRAINED = {"trashnet": ("gaussian",), "fashion-mnist": ("mlp", "resnet")}


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_every_name_exists(file: Path) -> None:
    names.check(params.load(file))
    assert f"make example NAME={file.stem} DATA=" in file.read_text()
    assert f"make example NAME={file.stem} DATA=" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_the_dataset_is_read(file: Path, datasets: Path, tmp_path: Path) -> None:
    from gan_augment.gan.recipe import networks

    settings = params.load(file)
    source = settings.ingest.model_copy(update={"path": datasets / FOLDERS[file.stem]})
    stage.run(source, {}, {"real": tmp_path / "real"})
    images = table.read(tmp_path / "real", "train")
    for name, number in settings.ingest.scarcity.items():
        assert (images.labels == images.classes.index(name)).sum() == number
    assert images.counts().max() <= 360
    size = images.pixels.shape[2:]
    sample = size if max(size) <= PIXELS_UP_TO else ()  # features, of what a backbone looks at
    assert networks(settings.train, sample) == TRAINED[file.stem]


@pytest.mark.parametrize("file", sorted(CLUSTER.glob("*.sbatch")), ids=lambda file: file.name)
def test_jobs_are_bash_that_starts_what_there_is(file: Path) -> None:
    subprocess.run(["bash", "-n", str(file)], check=True)
    assert "#SBATCH --requeue" in file.read_text()


def test_what_a_job_trains_is_recorded_lest_the_next_rebuild_train_again() -> None:
    """DVC goes by dvc.lock, which torchrun does not write."""
    lines = (CLUSTER / "train.sbatch").read_text().splitlines()
    assert lines[-2].endswith("gan-augment train")
    assert lines[-1].startswith("dvc commit --force train")


@pytest.mark.parametrize("page", [ROOT / "docs/scale.md", *sorted(CLUSTER.glob("*.sbatch"))])
def test_jobs_are_said_to_be_in_a_checkout_since_projects_have_none(page: Path) -> None:
    assert "sbatch CHECKOUT/examples/cluster/" in page.read_text()
    assert "sbatch examples/" not in page.read_text()


def test_pods_find_the_head_and_share_the_project() -> None:
    parts = list(yaml.safe_load_all((CLUSTER / "kubernetes.yaml").read_text()))
    kinds = [part["kind"] for part in parts]
    assert kinds == ["Service", "NetworkPolicy", "Deployment", "Deployment", "Job"]
    service, _, head, worker, job = parts
    for pods in (head, worker, job):
        container = _container(pods)
        assert {"name": "project", "mountPath": "/project"} in container["volumeMounts"]
    chosen = service["spec"]["selector"].items()
    assert chosen <= head["spec"]["template"]["metadata"]["labels"].items()
    assert not chosen <= worker["spec"]["template"]["metadata"]["labels"].items()
    name = service["metadata"]["name"]
    assert any(name in word for word in _container(worker)["command"])
    assert name in _container(job)["env"][0]["value"]


def _container(pods: dict[str, Any]) -> dict[str, Any]:
    (container,) = pods["spec"]["template"]["spec"]["containers"]
    return container


def test_the_image_copies_what_is_in_a_checkout() -> None:
    lines = (CLUSTER / "Dockerfile").read_text().splitlines()
    copied = [word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]]
    assert {"pyproject.toml", "pipeline", "flows"} <= set(copied)
    assert all((ROOT / name).exists() for name in copied)
