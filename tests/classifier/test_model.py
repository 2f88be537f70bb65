"""A classifier on disk: what is wrong with it is one message, before memory is taken."""

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from gan_augment.classifier import model
from gan_augment.errors import UserError


@pytest.fixture
def folder(of_pixels: Path, tmp_path: Path) -> Path:
    return shutil.copytree(of_pixels, tmp_path / "classifier")


def test_it_is_read_as_it_was_written(folder: Path, tmp_path: Path) -> None:
    config, head = model.load(folder)
    model.save(tmp_path / "again", config, head)
    for name in (model.CONFIG, model.WEIGHTS):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()
    assert {file.name for file in folder.iterdir()} == {model.CONFIG, model.WEIGHTS}


def refused(folder: Path, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        model.load(folder)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "config.json: format"),
        ({"classes": ["a"]}, "config.json: classes"),
        ({"classes": list("abc")}, "another number of classes"),
        ({"widths": [64, 10]}, "holds other arrays than config.json names"),
        ({"widths": [64, 32, 10]}, "layer.0.weight has another shape"),
        ({"widths": [64, 10**12, 10]}, "config.json: widths"),
        ({"widths": [64, 4_000_000, 10]}, "has another shape"),
        ({"projects": True}, "holds other arrays"),
        ({"images": {"size": [9, 8], "channels": 1, "fit": "pad"}}, "another input"),
        ({"images": {"size": [10**6, 8], "channels": 1, "fit": "pad"}}, "config.json: images.size"),
        ({"code": "import os"}, "config.json: code"),
    ],
)
def test_a_config_that_does_not_fit(change: dict[str, Any], message: str, folder: Path) -> None:
    path = folder / model.CONFIG
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    refused(folder, message)


def weights(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        arrays = load_file(folder / model.WEIGHTS)
        change(arrays)
        save_file(arrays, folder / model.WEIGHTS)

    return damage


def content(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / model.WEIGHTS
        path.write_bytes(change(path.read_bytes()))

    return damage


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (content(lambda whole: whole[:-8]), "not a whole classifier"),
        (content(lambda whole: whole[:5]), "not a whole classifier"),
        (content(lambda whole: whole[:0]), "not a whole classifier"),
        (content(lambda whole: struct.pack("<Q", 2**62) + whole[8:]), "not a whole classifier"),
        (content(lambda whole: b"\x80\x04." + whole), "not a whole classifier"),
        (weights(lambda arrays: arrays.pop("scale")), "holds other arrays"),
        (weights(lambda arrays: arrays.update(more=np.zeros(3))), "holds other arrays"),
        (
            weights(lambda arrays: arrays.update(scale=np.ones(64, np.float32))),
            "scale has another shape or type",
        ),
        (weights(lambda arrays: arrays["scale"].fill(0)), "scales of zero"),
        (weights(lambda arrays: arrays["offset"].fill(np.nan)), "not finite"),
        (lambda folder: (folder / model.WEIGHTS).unlink(), "model.safetensors is missing"),
        (lambda folder: (folder / model.CONFIG).write_text("{"), "config.json: Invalid JSON"),
        (lambda folder: (folder / model.CONFIG).write_text("[" * 100_000), "config.json: "),
        (lambda folder: (folder / model.CONFIG).write_bytes(b" " * 2**23), "has 8,388,608 bytes"),
        (lambda folder: (folder / model.CONFIG).unlink(), "holds no classifier"),
        (shutil.rmtree, "holds no classifier"),
    ],
)
def test_damaged_files(damage: Callable[[Path], None], message: str, folder: Path) -> None:
    damage(folder)
    refused(folder, message)


def test_a_generator_is_none(folder: Path) -> None:
    (folder / model.CONFIG).write_text('{"network": "mlp", "classes": ["a", "b"]}')
    refused(folder, "is not a whole classifier")
