"""The judges of the comparison that can be kept as a head, one registry."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from gan_augment.classifier.head import Floats, Head, Layer
from gan_augment.evaluation.classifiers import LOGISTIC_REGRESSION, MLP, Estimator, Projection
from gan_augment.evaluation.training_set import TrainingSet


class Storable(NamedTuple):
    """A judge, and how the layers of the head come from it when it is fitted."""

    estimator: Estimator
    layers: Callable[[Any], list[Layer]]


def linear(fitted: Any) -> list[Layer]:
    """Return the layer of a logistic regression."""
    return [_of_all_classes(Layer(fitted.coef_, fitted.intercept_))]


def perceptron(fitted: Any) -> list[Layer]:
    """Return the layers of a perceptron with rectified linear units."""
    *hidden, last = (
        Layer(weight.T, bias)
        for weight, bias in zip(fitted.coefs_, fitted.intercepts_, strict=True)
    )
    return [*hidden, _of_all_classes(last)]


JUDGES: dict[str, Storable] = {
    "logistic-regression": Storable(LOGISTIC_REGRESSION, linear),
    "mlp": Storable(MLP, perceptron),
}


def fit(name: str, training_set: TrainingSet, seed: int) -> tuple[Head, tuple[int, ...]]:
    """Return a head that is trained as the judge is, and the labels that it tells apart."""
    judge = JUDGES[name]
    fitted, projection = judge.estimator.fit(training_set, seed)
    layers = tuple(judge.layers(fitted))
    inputs = training_set.pixels[0].size
    pixels = training_set.pixels.ndim == 4
    head = Head(*_affine(projection, inputs, 255.0 if pixels else 1.0), layers)
    return head, tuple(fitted.classes_.tolist())


def _affine(
    projection: Projection, inputs: int, unit: float
) -> tuple[Floats, Floats, Floats | None]:
    """Return offset, scale and components that do what a projection does; `unit` is its one."""
    offset, scale, components = np.zeros(inputs), np.full(inputs, unit), None
    for step in projection.steps:
        offset = offset + scale * step.mean_
        if hasattr(step, "components_"):
            components = step.components_
        else:
            scale = scale * step.scale_
    return offset, scale, components


def _of_all_classes(layer: Layer) -> Layer:
    """Return a layer with a logit a class: of two classes scikit-learn has the second's alone."""
    if len(layer.bias) > 1:
        return layer
    return Layer(np.concatenate([0 * layer.weight, layer.weight]), np.append(0.0, layer.bias))
