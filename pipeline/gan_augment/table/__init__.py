"""The image table: the one kind of data that flows between stages.

A directory of Parquet shards named by split (`train-00000.parquet`), readable as it is by Hugging
Face `datasets`, pandas, DuckDB and Polars. A reader of one split opens no other split's files:
this is how the test images stay sealed.

| column | type | meaning |
|---|---|---|
| image | struct<bytes, path> | PNG bytes; path of the source file |
| label | int64 | class index; names are in the schema metadata |
| split | string | train, validation or test |
| origin | string | real or synthetic |
| id | string | hash of the decoded pixels |
| group | string | rows that a split may not tear apart |

The schema's metadata say what happened to images of another aspect ratio (`fit`) and, where sources
of 16-bit grey became 8 bits, of how many (`grey bits`).

A table of features, what a backbone (a frozen pretrained network) sees in the images, has these,
and an image only where it has one to show; the schema's metadata name the backbone:

| column | type | meaning |
|---|---|---|
| features | list<float32>[F] | as the backbone gives them |

Synthetic rows also have, where it applies:

| column | type | meaning |
|---|---|---|
| method | string | gan, or the simpler method that made the row |
| generator | string | hash of the model |
| seed, index, requested_label | int64 | what the method made the row from |
| truncation | float64 | bound of the latents |
| gates | string | JSON: what each gate saw, see `gan_augment.synthesis.gates` |
| weight | float64 | probability of the label by the gates' classifiers, 0–1 |
| soft_labels | list<float64> | their probability of every class, in index order |
| nearest_id, nearest_distance | string, float64 | the closest training image of the class, and how
  far it is, in the space of principal components |
"""

from gan_augment.table.access import Rows
from gan_augment.table.columns import (
    FEATURES,
    NULLABLE,
    SPLITS,
    FeatureSpace,
    Fit,
    classes_of,
    schema,
    space_of,
)
from gan_augment.table.pixels import (
    channels_first,
    channels_last,
    from_png,
    opened_png,
    picture,
    pixel_hash,
    png,
)
from gan_augment.table.reader import (
    bits,
    class_names,
    counts,
    embedded,
    fit,
    labels,
    read,
    samples,
    scan,
    shards,
    space,
    stream,
    table_hash,
)
from gan_augment.table.rows import Column, Images, decode, encode, pack, soft_labels, without_pixels
from gan_augment.table.shard import opened, read_group, readable
from gan_augment.table.writer import Writer, write

__all__ = [
    "FEATURES",
    "NULLABLE",
    "SPLITS",
    "Column",
    "FeatureSpace",
    "Fit",
    "Images",
    "Rows",
    "Writer",
    "bits",
    "channels_first",
    "channels_last",
    "class_names",
    "classes_of",
    "counts",
    "decode",
    "embedded",
    "encode",
    "fit",
    "from_png",
    "labels",
    "opened",
    "opened_png",
    "pack",
    "picture",
    "pixel_hash",
    "png",
    "read",
    "read_group",
    "readable",
    "samples",
    "scan",
    "schema",
    "shards",
    "soft_labels",
    "space",
    "space_of",
    "stream",
    "table_hash",
    "without_pixels",
    "write",
]
