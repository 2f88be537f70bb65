"""An image table in the hands of who trains on it: as a frame, as arrays, as a torch `Dataset`."""

from gan_augment.data.classifier import load_classifier
from gan_augment.data.loading import Data, load

__all__ = ["Data", "load", "load_classifier"]
