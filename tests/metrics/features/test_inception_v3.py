from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models import inception_v3

from gan_augment.errors import UserError
from gan_augment.metrics import features
from gan_augment.table import Images

MakeImages = Callable[..., Images]


@pytest.fixture(scope="module")
def weights(published: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("inception")
    paths = {ending: folder / f"weights.{ending}" for ending in ("pth", "safetensors")}
    torch.save(published.state_dict(), paths["pth"])
    save_file(published.state_dict(), paths["safetensors"])
    return paths


@pytest.fixture(scope="module")
def published() -> nn.Module:
    """Return a network such as torchvision publishes, its weights drawn at random."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return inception_v3(weights=None, init_weights=False, transform_input=True).eval()


@pytest.mark.parametrize("ending", ["pth", "safetensors"])
@torch.no_grad()
def test_inception_is_torchvisions(
    ending: str, published: nn.Module, weights: dict[str, Path], random_images: MakeImages
) -> None:
    """The same outputs as of its own network on images that are normalised as it asks."""
    before = torch.get_rng_state()
    extractor = features.inception(weights[ending])
    assert torch.equal(torch.get_rng_state(), before)
    assert extractor.name.startswith("inception-")

    pixels = random_images(2, 1, (3, 40, 30)).pixels
    found = extractor(pixels)
    assert found.values.shape == (2, 2048)
    x = torch.from_numpy(pixels).float() / 255
    x = nn.functional.interpolate(x, (299, 299), mode="bilinear", antialias=True)
    mean, std = (
        torch.tensor(v)[:, None, None] for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    )
    pooled = []
    with published.avgpool.register_forward_hook(lambda *call: pooled.append(call[-1])):
        expected = published((x - mean) / std).softmax(dim=1)
    values = pooled[0].flatten(1).numpy()
    np.testing.assert_allclose(found.values, values, rtol=1e-3, atol=1e-4 * values.max())
    np.testing.assert_allclose(found.probabilities, expected, rtol=1e-4)


def test_inception_sees_grey_as_equal_channels(
    weights: dict[str, Path], random_images: MakeImages
) -> None:
    extractor = features.inception(weights["safetensors"])
    grey = random_images(2, 1, (1, 20, 20)).pixels
    coloured = np.repeat(grey, 3, axis=1)
    np.testing.assert_array_equal(extractor(grey).values, extractor(coloured).values)


@pytest.mark.parametrize("content", ["nothing", "text", "list", "numbers", "another", "pickle"])
def test_what_is_not_inception_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    match content:
        case "text":
            path.write_text("hello, world")
        case "list":
            torch.save([torch.ones(1)], path)
        case "numbers":
            torch.save({"fc.weight": 1}, path)
        case "another":
            torch.save(nn.Linear(2, 2).state_dict(), path)
        case "pickle":
            torch.save(nn.Linear(2, 2), path)
    with pytest.raises(UserError, match=r"weights.pth does not hold .* give its state dict as"):
        features.inception(path)
