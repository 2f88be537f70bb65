"""Extractors: what turns images into the features that fidelity is measured on.

Three kinds. A small network trained on the user's own images knows what tells their classes apart,
and so overlooks part of what varies within a class. Principal components of the pixels see all that
varies, and meaning in none of it: report them beside the network. Inception is for photographs, and
for users who have its weights.

Values of a metric compare only under one extractor: its name holds a hash of what it is.
"""

from gan_augment.metrics.features.classifier import Classifier
from gan_augment.metrics.features.components import PrincipalComponents, principal_components
from gan_augment.metrics.features.extractor import Extractor, Features, Network
from gan_augment.metrics.features.inception_v3 import inception
from gan_augment.metrics.features.perceptron import Perceptron, perceptron
from gan_augment.metrics.features.training import load, save, train_network, train_once

__all__ = [
    "Classifier",
    "Extractor",
    "Features",
    "Network",
    "Perceptron",
    "PrincipalComponents",
    "inception",
    "load",
    "perceptron",
    "principal_components",
    "save",
    "train_network",
    "train_once",
]
