"""Pictures of what a generator can do, for looking at."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gan_augment.errors import UserError, hint
from gan_augment.gan.model import Model
from gan_augment.gan.sampling import normal, render
from gan_augment.sheet import contact_sheet

ROWS_OF_ONE_CLASS = 5


def grid(
    model: Model, class_name: str | None, columns: int, seed: int, truncation: float | None = None
) -> Image.Image:
    """Return a sheet with a row a class; the images of one column share their latent.

    What stays the same down a column is what the generator takes for style.

    Args:
        model: a trained model.
        class_name: the class to show, in five rows of other latents; None shows all classes.
        columns: number of images in a row.
        seed: of the latents.
        truncation: see `sampling.normal`.

    Raises:
        UserError: no such class.
    """
    labels = _labels(model, class_name)
    rows_a_latent = len(labels) if class_name is None and model.conditional else 1
    size = (len(labels) // rows_a_latent, columns, model.shape.latent_dim)
    z = np.tile(normal(size, truncation, seed, "sheet").reshape(-1, size[2]), (rows_a_latent, 1))
    return _sheet(model, z, labels, columns)


def interpolation(
    model: Model, class_name: str | None, columns: int, seed: int, truncation: float | None = None
) -> Image.Image:
    """Return a sheet with a row a class, which goes from one latent to another in equal steps.

    Along the great circle (White 2016), since nearly all of a normal distribution in many
    dimensions lies near a sphere. If neighbours are alike and the ends are not, the generator has
    learned more than the training images by heart.

    Args:
        model: a trained model.
        class_name: the class to show in five rows with five pairs of ends; None shows all classes.
        columns: number of steps, ends included.
        seed: of the latents.
        truncation: see `sampling.normal`.

    Raises:
        UserError: no such class.
    """
    labels = _labels(model, class_name)
    size = (len(labels), 2, model.shape.latent_dim)
    ends = normal(size, truncation, seed, "interpolation")
    z = np.concatenate([_great_circle(start, end, columns) for start, end in ends])
    return _sheet(model, z, labels, columns)


def _sheet(
    model: Model, z: NDArray[np.float32], labels: NDArray[np.int64], columns: int
) -> Image.Image:
    """Draw the images of latents, a row a label, and the names of the classes, if there are any.

    Raises:
        UserError: the generator makes features, which have no picture.
    """
    if model.space:
        raise UserError(
            f"the generator makes features of {model.space.backbone}, which have no picture"
        )
    pixels = render(model.generator, z, labels.repeat(columns))
    bands = pixels.reshape(len(labels), columns, *pixels.shape[1:])
    names = [model.classes[label] for label in labels.tolist()] if model.conditional else ()
    return contact_sheet(list(bands), columns, names)


def _great_circle(
    start: NDArray[np.float32], end: NDArray[np.float32], steps: int
) -> NDArray[np.float32]:
    """Return `steps` points from one vector to another, by angle: float32 steps×Z."""
    cosine = start @ end / (np.linalg.norm(start) * np.linalg.norm(end))
    angle = np.arccos(np.clip(cosine, -1, 1))
    t = np.linspace(0, 1, steps)[:, None]
    points = np.sin((1 - t) * angle) * start + np.sin(t * angle) * end
    return (points / max(np.sin(angle), 1e-9)).astype(np.float32)


def _labels(model: Model, class_name: str | None) -> NDArray[np.int64]:
    """Return the class of each row."""
    if not model.conditional:
        return np.zeros(ROWS_OF_ONE_CLASS, np.int64)
    if class_name is None:
        return np.arange(len(model.classes))
    if class_name not in model.classes:
        raise UserError(f"--class {class_name!r}: {hint(class_name, model.classes)}")
    return np.full(ROWS_OF_ONE_CLASS, model.classes.index(class_name))
