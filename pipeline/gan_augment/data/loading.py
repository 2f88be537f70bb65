"""`load`: an image table, wherever it is, in the forms that classifiers are trained on."""

import os
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from gan_augment import table
from gan_augment.data.source import locate
from gan_augment.errors import UserError, hint
from gan_augment.recipe import Recipe, of
from gan_augment.storage import read_record

if TYPE_CHECKING:
    import datasets

    from gan_augment.data.dataset import TorchDataset

CARD, VERDICT = "README.md", "verdict.json"
Origin = Literal["real", "synthetic"]


class Arrays(NamedTuple):
    """Images and labels, decoded.

    Attributes:
        images: uint8, N×H×W (grey) or N×H×W×3 (RGB), 0–255.
        labels: int64, N, class indices.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


def load(
    source: str | os.PathLike[str],
    version: str | None = None,
    *,
    split: str | None = "train",
    origin: Origin | None = None,
    synthetic: bool = True,
    artifact: str = "augmented",
) -> "Data":
    """Open an image table. No image is read before it is asked for.

    >>> from gan_augment import load
    >>> data = load("data/augmented")
    >>> data
    685 rows (635 real, 50 synthetic) of 10 classes: train of data/augmented
    >>> len(load("data/augmented", synthetic=False))
    635
    >>> load("data/augmented", split="test").classes
    ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9')

    Args:
        source: a folder; the address of one, such as s3://bucket/augmented (what fsspec reads); or
            a git repository in which versions are published, its address or a folder.
        version: a tag of the repository, such as v1.2.0; by default the latest.
        split: train, validation or test; None for all rows, those of the test split included.
        origin: only `real` or only `synthetic` rows.
        synthetic: False leaves synthetic rows out, as `origin="real"` does.
        artifact: which of the repository's artifacts, by its name in dvc.yaml.

    Raises:
        UserError: there is no such place, version, split or origin, it is no image table, or it
            cannot be reached.
    """
    if origin not in (None, "real", "synthetic"):
        raise UserError(f"origin = {origin!r}: {hint(str(origin), ('real', 'synthetic'))}")
    if origin == "synthetic" and not synthetic:
        raise UserError("origin='synthetic' and synthetic=False leave nothing: drop one of them")
    if split is not None and split not in table.SPLITS:
        raise UserError(f"split = {split!r}: {hint(split, table.SPLITS)}")
    files = CARD, VERDICT, f"{split or '*'}-*.parquet"
    path = locate(source, version, files, artifact)
    return Data(path, split, origin if synthetic else "real")


class Data:
    """Rows of an image table, numbered alike in all forms that they are given in.

    Attributes:
        path: the folder on this machine that they are read from.
        split: the split that they are of; None for all.
        origin: `real` or `synthetic`, if only those rows; None for all.
        classes: class names, in index order.
    """

    def __init__(self, path: Path, split: str | None = None, origin: Origin | None = None) -> None:
        self.path, self.split, self.origin = path, split, origin
        shards = table.shards(path, split)
        if not shards:
            there = {shard.name.split("-")[0]: None for shard in table.shards(path)}
            raise UserError(f"{path} has no split {split!r}: it has {', '.join(there)}")
        self.classes = table.class_names(path)
        self._rows = table.Rows(shards)
        origins = self._rows.columns(["origin"])["origin"].to_numpy()
        kept = np.ones(len(origins), bool) if origin is None else origins == origin
        self._numbers = np.flatnonzero(kept)
        self.synthetic: NDArray[np.bool_] = origins[kept] == "synthetic"
        """Which rows are synthetic, bool N."""

    def __len__(self) -> int:
        return len(self._numbers)

    def __repr__(self) -> str:
        made = int(self.synthetic.sum())
        what = f"{len(self)} rows ({len(self) - made} real, {made} synthetic)"
        return f"{what} of {len(self.classes)} classes: {self.split or 'all splits'} of {self.path}"

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """Class index of each row, int64 N."""
        labels: NDArray[np.int64] = self._column("label").to_numpy(np.int64)
        return labels

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """How sure the gates' classifiers are of each label, float64 N, 0–1; 1 for real rows."""
        return self._column("weight").fillna(1.0).to_numpy(np.float64)

    @cached_property
    def soft_labels(self) -> NDArray[np.float64]:
        """What they think of every class, float64 N×K; 1 for the label of rows without."""
        return table.soft_labels(self._column("soft_labels"), self.labels, len(self.classes))

    @cached_property
    def frame(self) -> pd.DataFrame:
        """All that is known of each row but its pixels, and `class`, the name of its label.

        >>> from gan_augment import load
        >>> frame = load("data/augmented").frame
        >>> frame.groupby("origin").size().to_dict()
        {'real': 635, 'synthetic': 50}
        >>> frame.loc[frame["origin"] == "synthetic", "method"].unique().tolist()
        ['smote']
        """
        frame = self._frame(None)
        names = pd.Categorical.from_codes(self.labels, pd.Index(self.classes))
        frame.insert(1, "class", pd.Series(names, index=frame.index))
        return frame

    @property
    def counts(self) -> pd.DataFrame:
        """Rows of each class, by origin.

        >>> from gan_augment import load
        >>> load("data/augmented").counts.head(3)
               real  synthetic
        class
        0       106          0
        1        20         10
        2       107          0
        """
        frame = self.frame.groupby(["class", "origin"], observed=False).size().unstack(fill_value=0)
        return frame.reindex(columns=["real", "synthetic"], fill_value=0).rename_axis(columns=None)

    @property
    def card(self) -> str | None:
        """The card, Markdown, which tells what is in the table and why; None if it has none."""
        file = self.path / CARD
        return file.read_text(encoding="utf-8") if file.is_file() else None

    @property
    def verdict(self) -> dict[str, Any] | None:
        """What verdict.json says; None if the table has none.

        `overall` has the word and a sentence, `ships` whose synthetic rows are here or what spoke
        against them, `counts` the rows by split, origin and class, `recipe` what to do with them.

        >>> from gan_augment import load
        >>> verdict = load("data/augmented").verdict
        >>> verdict["overall"]["verdict"], verdict["ships"]["method"]
        ('level', 'smote')
        """
        file = self.path / VERDICT
        return read_record(file) if file.is_file() else None

    @property
    def recipe(self) -> Recipe:
        """What to do with the table to get the number on its card.

        `.sentence` and `.code()` tell it, `.transform()` is the transform of images for `torch`,
        `.class_weights` are for the loss; how often rows are seen, the sampler of `torch` knows.

        >>> from gan_augment import load
        >>> recipe = load("data/augmented").recipe
        >>> recipe.arm, recipe.methods, recipe.share
        ('smote', ('smote',), 0.5)

        Raises:
            UserError: the table has no verdict.json, or that names no recipe.
        """
        return self.recipe_of()

    def recipe_of(self, arm: str | None = None, classifier: str | None = None) -> Recipe:
        """Return the recipe of another arm of the comparison, or for another classifier.

        Args:
            arm: None is that of what the table ships.
            classifier: None is the one that does best on validation with it.

        Raises:
            UserError: the table has no verdict.json, or that names no such recipe.
        """
        if self.verdict is None:
            raise UserError("the table has no verdict.json: say share=1.0, or another number")
        return of(self.verdict, arm, classifier)

    @cached_property
    def space(self) -> table.FeatureSpace | None:
        """Whose features the rows have; None for a table of images alone."""
        return table.space(self.path)

    @cached_property
    def features(self) -> NDArray[np.float32]:
        """What a backbone sees in the rows, float32 N×F; synthetic rows may be nothing else.

        Raises:
            UserError: the table has images alone.
        """
        if self.space is None:
            raise UserError(f"{self.path} holds images, without features of a backbone")
        column = self._rows.columns([table.FEATURES])[table.FEATURES].combine_chunks()
        rows = column.flatten().to_numpy().reshape(-1, self.space.width)
        kept: NDArray[np.float32] = rows[self._numbers]
        return kept

    def embed(
        self, images: Sequence[Image.Image], weights: Path | None = None
    ) -> NDArray[np.float32]:
        """Return the features of other images, as those of the rows were made: float32 N×F.

        Args:
            images: of any size and mode; they are brought to the size of the rows' images as those
                were, EXIF's orientation applied.
            weights: the file with the backbone's weights, where they came from one.

        Raises:
            UserError: the table has images alone, these are other weights, or an image has 16-bit
                grey where no row had.
        """
        from gan_augment.embed.backbones import embed
        from gan_augment.ingest.stored import stored

        if self.space is None:
            raise UserError(f"{self.path} holds images, without features of a backbone")
        how = stored(self.path)
        names = (f"image {number}" for number in range(len(images)))
        pixels = map(how.pixels, images, names)
        return embed([*map(table.picture, pixels)], self.space, weights)

    def image(self, row: int) -> Image.Image:
        """Return the image of a row, as Pillow's.

        >>> from gan_augment import load
        >>> load("data/augmented").image(0).size
        (8, 8)

        Raises:
            UserError: the row has no image.
            IndexError: there is no such row.
        """
        return table.picture(self.pixels(row))

    def pixels(self, row: int) -> NDArray[np.uint8]:
        """Return the pixels of a row, uint8 C×H×W, C 1 (grey) or 3 (RGB), 0–255.

        Raises:
            UserError: the row has no image.
            IndexError: there is no such row.
        """
        return table.from_png(self._rows.png(int(self._numbers[row])))

    def numpy(self) -> Arrays:
        """Return all images and labels as arrays; they have to fit into memory.

        >>> from gan_augment import load
        >>> images, labels = load("data/augmented").numpy()
        >>> images.shape, images.dtype, labels.shape
        ((685, 8, 8), dtype('uint8'), (685,))

        Raises:
            UserError: no rows, images of different sizes, or a row without one.
        """
        if not len(self):
            raise UserError(f"no rows to make arrays of: {self!r}")
        first = self.pixels(0)
        images = np.empty((len(self), *first.shape), np.uint8)
        for row in range(len(self)):
            image = self.pixels(row)
            if image.shape != first.shape:
                raise UserError(
                    f"{self.path} holds images of different sizes, {_size(first)} and "
                    f"{_size(image)}: use torch() with a transform that resizes"
                )
            images[row] = image
        return Arrays(table.channels_last(images), self.labels)

    def torch(
        self,
        transform: Callable[[Image.Image], Any] | None = None,
        *,
        soft: bool = False,
        weighted: bool = False,
    ) -> "TorchDataset":
        """Return a torch `Dataset` of pairs, image and label; or features and label.

        Of a table of features these are what a row is, unless `transform` asks for the image.

        >>> from gan_augment import load
        >>> dataset = load("data/augmented").torch()
        >>> image, label = dataset[0]
        >>> image.shape, image.dtype, label
        (torch.Size([1, 8, 8]), torch.float32, 2)

        Args:
            transform: gets Pillow's image, as torchvision's datasets give it; without one, images
                are float32 tensors C×H×W, 0–1.
            soft: give `soft_labels` for labels, which `cross_entropy` takes as well.
            weighted: give the row's weight as a third.
        """
        from gan_augment.data.dataset import TorchDataset

        return TorchDataset(self, transform, soft=soft, weighted=weighted)

    def datasets(self) -> "datasets.Dataset":
        """Return a Hugging Face `Dataset`, with images and class names, in the same order.

        >>> from gan_augment import load
        >>> rows = load("data/augmented").datasets()
        >>> rows[0]["image"].size, rows.features["label"].int2str(rows[0]["label"])
        ((8, 8), '2')

        Raises:
            UserError: the library `datasets` is not installed.
        """
        try:
            import datasets
        except ImportError:
            raise UserError(
                "the library datasets is not installed: pip install 'gan-augment[datasets]'"
            ) from None
        shards = [str(shard) for shard in table.shards(self.path, self.split)]
        rows = datasets.Dataset.from_parquet(shards)
        return rows if len(rows) == len(self) else rows.select(self._numbers)

    def _frame(self, names: list[str] | None) -> pd.DataFrame:
        rows = self._rows.columns(names)
        if len(self) < len(rows):
            rows = rows.take(self._numbers)
        return rows.to_pandas(types_mapper=table.NULLABLE.get)

    def _column(self, name: str) -> "pd.Series[Any]":
        return self._frame([name])[name]


def _size(image: NDArray[np.uint8]) -> str:
    channels, height, width = image.shape
    return f"{width}×{height}×{channels}"
