"""Principal components of the pixels, or of the features of a backbone."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gan_augment.metrics.features.extractor import IMAGES_AT_ONCE, Features, Pixels, parts_of
from gan_augment.metrics.standard import LEAST_SCALE, Standard, standard
from gan_augment.storage import digest
from gan_augment.subsample import MOST_ROWS
from gan_augment.table import Images

COMPONENTS = 64


@dataclass(frozen=True)
class PrincipalComponents:
    """The leading components of pixels, or of standardised features, by a PCA of scikit-learn.

    Their mean square over the training images is 1, so that distances of one dataset are of the
    same order as those of another.
    """

    name: str
    pca: Any
    scale: float
    units: Standard | None

    def __call__(self, pixels: Pixels) -> Features:
        """Return the scores on the components, in the order of their variance."""
        parts = [
            self.pca.transform(_flat(part, self.units)) for part in parts_of(pixels, IMAGES_AT_ONCE)
        ]
        return Features(np.concatenate(parts).astype(np.float64) / self.scale, None)


def principal_components(images: Images) -> PrincipalComponents:
    """Fit the leading principal components of pixels (0–1), at most 64, to the train split.

    Of more than `MOST_ROWS` images they are fitted to a fair sample.

    Features of a backbone are standardised first: they have no common unit.
    """
    from sklearn.decomposition import PCA

    fitted = images.at_most(MOST_ROWS, 0).pixels
    units = standard(fitted) if images.space else None
    flat = _flat(fitted, units)
    pca = PCA(min(COMPONENTS, *flat.shape), random_state=0).fit(flat)
    scale = float(np.sqrt(pca.explained_variance_.mean()))
    content = digest(repr(images.pixels.shape), fitted.tobytes())
    kind = "features" if images.space else "pixels"
    return PrincipalComponents(f"{kind}-{content[:8]}", pca, max(scale, LEAST_SCALE), units)


def _flat(pixels: Pixels, units: Standard | None) -> NDArray[np.float32]:
    if units:
        return units(pixels).astype(np.float32)
    return pixels.reshape(len(pixels), -1).astype(np.float32) / np.float32(255)
