"""scikit-learn's digits: nothing to download."""

from functools import partial

from PIL import Image

from gan_augment.ingest.sources.raw import Found, RawImage
from gan_augment.params import IngestParams


def digits(_: IngestParams) -> Found:
    """Return scikit-learn's 1,797 handwritten digits, 8×8 grey (UCI Optical Recognition)."""
    from sklearn.datasets import load_digits

    data = load_digits()
    pixels = (data.images * (255 / 16)).round().astype("uint8")
    images = (
        RawImage(f"digits/{index:04d}", str(label), partial(Image.fromarray, image))
        for index, (image, label) in enumerate(zip(pixels, data.target, strict=True))
    )
    return Found(len(pixels), images, tuple(map(str, data.target_names)))
