"""From photographs to a classifier through a backbone, by the command line, as a user goes."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gan_augment import load, load_classifier, table
from gan_augment.errors import UserError
from tests.conftest import CommandLine, refusal

PARAMS = {
    "ingest": {"source": "folder", "path": "photographs", "scarcity": {"b": 12}},
    "embed": {"image_size": 32},
    "train": {"steps": 40, "batch_size": 32, "width": 32, "eval_interval": 20, "threads": 1},
    "generate": {"plan": "fill", "gates": ["agreement", "support", "copies", "repeats"]},
    "evaluate": {
        "repeats": 6,
        "arms": [
            *("real", "class-weights", "smote", "gaussian", "classic", "mixup"),
            *("gan", "gan+gaussian", "gan+classic"),
        ],
        "classifiers": ["logistic-regression", "k-nn", "rbf-svm", "mlp"],
    },
}
STAGES = ("ingest", "embed", "train", "generate", "evaluate", "report", "assemble", "classifier")


@pytest.fixture
def project(tmp_path: Path, photographs: Path) -> Path:
    shutil.copytree(photographs, tmp_path / "photographs")
    return tmp_path


@pytest.mark.e2e
def test_photographs_go_all_the_way(project: Path, cli: CommandLine) -> None:
    params = {**PARAMS, "ingest": {**PARAMS["ingest"], "image_size": 48}}
    for stage in STAGES:
        code, printed = cli(stage, **params)
        assert code == 0, printed
        if stage == "evaluate":
            assert "6 transformed copies of 96 training images" in printed
            assert "without mixup: for what learns in steps" in printed

    data = load(project / "data" / "augmented")
    space = table.space(project / "data" / "features")
    assert data.space == space
    assert data.features.shape == (len(data), 1280)
    assert np.isfinite(data.features).all()
    real = np.flatnonzero(~data.synthetic)[:5].tolist()
    again = data.embed([data.image(row) for row in real])
    np.testing.assert_allclose(again, data.features[real], rtol=1e-3, atol=1e-4)
    sample, label = data.torch()[0]
    assert sample.shape == (1280,)
    assert label == data.labels[0]

    synthetic = table.read(project / "data" / "synthetic")
    assert synthetic.space == space
    assert set(synthetic.rows["method"]) == {"gan"}
    code, printed = cli("trace", synthetic.rows["id"].iloc[0])
    assert code == 0, printed
    assert "made again from generator, seed and index: the same, number for number" in printed

    verdict = json.loads((project / "reports" / "verdict.json").read_text())
    assert space is not None
    assert verdict["provenance"]["backbone"] == f"efficientnet-lite0 {space.hash}"
    assert set(verdict["overall"]["arms"]) == set(PARAMS["evaluate"]["arms"]) - {"real", "mixup"}
    assert verdict["recipes"]["gan+classic"]["classifiers"]["k-nn"]["copies"] == 2
    scores = pd.read_csv(project / "reports" / "repeats.csv")
    assert set(scores["classifier"]) == set(PARAMS["evaluate"]["classifiers"])
    best = scores[(scores["metric"] == "balanced_accuracy") & (scores["split"] == "test")]
    assert best["value"].mean() > 0.6  # chance is a third
    card = (project / "data" / "augmented" / "README.md").read_text()
    assert "sees in the whole image, resized to 32×32 pixels: 1280 numbers" in card
    assert f"weights `{space.hash}`" in card
    assert "efficientnet-lite0" in (project / "reports" / "report.html").read_text()

    _classified(project, cli)

    out = str(project / "out")
    code, printed = cli("export", "--out", out, "--table", "data/synthetic")
    assert code == 1
    assert "are features of efficientnet-lite0: use npz" in printed
    code, printed = cli("export", "--out", out, "--format", "npz")
    assert code == 0, printed
    with np.load(project / "out" / "train.npz") as arrays:
        np.testing.assert_array_equal(arrays["features"], data.features)
        np.testing.assert_array_equal(arrays["labels"], data.labels)

    _fine_tuned(project, cli)


def _fine_tuned(project: Path, cli: CommandLine) -> None:
    """Check that a network judges arms of real images beside judges of features."""
    evaluate = {"arms": ["real", "mixup", "gan"], "fine_tuning_steps": 2, "tuning_repeats": 0}
    evaluate["classifiers"] = ["logistic-regression", "fine-tuned"]
    for stage in ("evaluate", "report", "verdict"):
        code, printed = cli(stage, evaluate={**PARAMS["evaluate"], **evaluate})
        assert code == 0, printed
        if stage == "evaluate":
            assert "fine-tuned learns from images: without gan" in printed
            assert "logistic-regression does not learn in steps: without mixup" in printed
    verdict = json.loads((project / "reports" / "verdict.json").read_text())
    assert verdict["overall"]["gan_arm"] == "gan"
    assert set(verdict["overall"]["scores"]) == {"real", "gan"}
    found = verdict["classifiers"]["fine-tuned"]
    assert (found["verdict"], set(found["scores"])) == ("not judged", {"real", "mixup"})
    assert "not judged" in printed
    page = (project / "reports" / "report.html").read_text()
    assert "fine-tuned was trained on no arm with the GAN." in page


AS_PIXELS = {
    **PARAMS,
    "ingest": {**PARAMS["ingest"], "image_size": 16},
    "embed": {"backbone": "efficientnet-lite0", "image_size": 32},
    "generate": {"plan": "fill", "gates": ["copies"], "space": "pixels"},
    "evaluate": {
        "repeats": 6,
        "arms": ["real", "smote", "gan", "gan+classic", "gan-first"],
        "classifiers": ["logistic-regression", "k-nn", "fine-tuned"],
        "tuning_repeats": 0,
        "fine_tuning_steps": 2,
    },
    "assemble": {"require": "none", "method": "gan"},
}


@pytest.mark.e2e
def test_a_gan_of_pixels_is_judged_by_what_the_backbone_sees(
    project: Path, cli: CommandLine
) -> None:
    for stage in STAGES:
        code, printed = cli(stage, **AS_PIXELS)
        assert code == 0, printed
        if stage == "evaluate":
            assert "estimators see images through efficientnet-lite0" in printed
    space = table.space(project / "data" / "features")
    synthetic = table.read(project / "data" / "synthetic")
    assert synthetic.space is None
    assert synthetic.pixels.shape[1:] == (3, 16, 16)

    data = load(project / "data" / "augmented")
    assert data.space == space
    made = np.flatnonzero(data.synthetic)
    assert len(made)
    again = data.embed([data.image(row) for row in made.tolist()])
    np.testing.assert_allclose(again, data.features[made], rtol=1e-3, atol=1e-4)
    identity = data.frame["id"].iloc[int(made[0])]
    code, printed = cli("trace", identity, "--table", "data/augmented", "--out", "one.png")
    assert code == 0, printed
    assert "the same, pixel for pixel" in printed
    code, printed = cli("export", "--out", "folders")
    assert code == 0, printed

    verdict = json.loads((project / "reports" / "verdict.json").read_text())
    assert verdict["provenance"]["backbone"] == f"efficientnet-lite0 {space.hash}"
    settings = verdict["recipes"]["gan+classic"]["classifiers"]
    assert settings["k-nn"]["copies_of_all"]
    assert settings["fine-tuned"]["of_images"]
    assert set(verdict["classifiers"]["fine-tuned"]["scores"]) == set(AS_PIXELS["evaluate"]["arms"])
    scores = pd.read_csv(project / "reports" / "repeats.csv")
    here = scores[(scores["metric"] == "balanced_accuracy") & (scores["split"] == "test")]
    assert here[here["arm"] == "real"]["value"].mean() > 0.6  # chance is a third
    card = (project / "data" / "augmented" / "README.md").read_text()
    assert "Synthetic rows are images with their features" in card
    page = (project / "reports" / "report.html").read_text()
    assert page.count("data:image/png") == 5  # three classes, one of them filled, and the closest


def _classified(project: Path, cli: CommandLine) -> None:
    """Check that the classifier sees photographs as the pipeline saw them."""
    classifier = load_classifier(project / "models" / "classifier")
    assert classifier.config.backbone == table.space(project / "data" / "features")
    assert set(classifier.config.measured) == {"validation", "test"}
    assert classifier.config.images.size == (48, 48)
    rows = load(project / "data" / "augmented", split="validation")
    expected = classifier._head(rows.features)
    found = classifier.probabilities([rows.image(row) for row in range(len(rows))])
    np.testing.assert_allclose(found, expected, atol=1e-3)
    code, printed = cli("classify", "photographs")
    assert code == 0, printed
    said = [line.split("\t") for line in printed.splitlines() if "\t" in line]
    assert len(said) == 210
    assert np.mean([path.split("/")[1] == label for path, label, _ in said]) > 0.7


@pytest.mark.e2e
def test_bad_input(project: Path, cli: CommandLine, tmp_path: Path) -> None:
    params = {**PARAMS, "ingest": {**PARAMS["ingest"], "image_size": 48}}
    assert cli("ingest", **params)[0] == 0

    def refused(stage: str, said: str, **sections: object) -> None:
        assert said in refusal(cli(stage, **{**params, **sections}))

    refused("embed", "neither built in nor a model of timm", embed={"backbone": "efficient"})
    refused("embed", "no such file", embed={"backbone": "resnet18", "weights": "no.pth"})
    (tmp_path / "damaged.pth").write_bytes(b"no weights")
    damaged = {"backbone": "efficientnet-lite0", "weights": "damaged.pth"}
    refused("embed", "holds no readable weights", embed=damaged)
    assert not (project / "data" / "features").exists()

    assert cli("embed", **params)[0] == 0
    refused("train", "'resnet' does not make features", train={"network": "resnet"})
    assert cli("train", **params)[0] == 0
    assert cli("embed", **{**params, "embed": {"image_size": 64}})[0] == 0
    refused("generate", "run `dvc repro train`")
    assert cli("train", **params)[0] == 0
    assert cli("generate", **params)[0] == 0
    networks = {**PARAMS["evaluate"], "classifiers": ["cnn"]}
    refused(
        "evaluate", "cnn cannot learn from the features of efficientnet-lite0", evaluate=networks
    )
    first = {**PARAMS["evaluate"], "arms": ["real", "gan-first"]}
    refused("evaluate", "no arm with the GAN is left", evaluate=first)
    other = {**params["ingest"], "seed": 1}
    assert cli("ingest", **{**params, "ingest": other})[0] == 0
    refused("train", "is of other images than")
    none = {"embed": {"backbone": "none"}, "generate": {"space": "features"}}
    assert cli("embed", **{**params, **none})[0] == 0
    refused("train", "no backbone looks at the images", **none)
    large = {"ingest": {**params["ingest"], "image_size": 136}}
    assert cli("ingest", **{**params, **large})[0] == 0
    pixels = {"embed": {"backbone": "none"}, "generate": {"space": "pixels"}}
    refused("train", "set ingest.image_size to 64", **large, **pixels)


def test_a_table_of_images_has_no_features(digits: Path) -> None:
    data = load(digits)
    assert data.space is None
    with pytest.raises(UserError, match="without features of a backbone"):
        _ = data.features
    with pytest.raises(UserError, match="without features of a backbone"):
        data.embed([])
