"""The columns of the image table, and its schema. See `gan_augment.table` for what they mean."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from gan_augment.errors import UserError
from gan_augment.printable import readable

OURS = "not an image table of ours"
SPLITS = ("train", "validation", "test")
NULLABLE = {pa.int64(): pd.Int64Dtype()}
_COLUMNS: dict[str, tuple[pa.DataType, Mapping[str, Any]]] = {
    "image": (pa.struct({"bytes": pa.binary(), "path": pa.string()}), {"_type": "Image"}),
    "label": (pa.int64(), {"_type": "ClassLabel"}),
    **{
        name: (kind, {"_type": "Value", "dtype": dtype})
        for name, kind, dtype in (
            ("split", pa.string(), "string"),
            ("origin", pa.string(), "string"),
            ("id", pa.string(), "string"),
            ("group", pa.string(), "string"),
            ("method", pa.string(), "string"),
            ("generator", pa.string(), "string"),
            ("seed", pa.int64(), "int64"),
            ("index", pa.int64(), "int64"),
            ("requested_label", pa.int64(), "int64"),
            ("truncation", pa.float64(), "float64"),
            ("gates", pa.string(), "string"),
            ("weight", pa.float64(), "float64"),
            ("nearest_id", pa.string(), "string"),
            ("nearest_distance", pa.float64(), "float64"),
        )
    },
    "soft_labels": (
        pa.list_(pa.float64()),
        {"_type": "Sequence", "feature": {"_type": "Value", "dtype": "float64"}},
    ),
}


FEATURES, BACKBONE, BITS, FIT = "features", b"backbone", b"grey bits", b"fit"
Fit = Literal["stretch", "pad", "crop"]
"""What happened to images of another aspect ratio; see `ingest.fit`."""
_FITS: dict[bytes, Fit] = {name.encode(): name for name in get_args(Fit)}
_POSSIBLE_BITS = tuple(str(bits).encode() for bits in range(8, 17))


@dataclass(frozen=True)
class FeatureSpace:
    """Whose features a table holds.

    Attributes:
        backbone: name of the pretrained network.
        hash: of its weights.
        width: number of features of an image.
        size: height and width that images are resized to before it sees them.
    """

    backbone: str
    hash: str
    width: int
    size: tuple[int, int]

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "FeatureSpace":
        """Return it as `asdict`, and then JSON, have written it down."""
        return cls(**{**record, "size": tuple(record["size"])})


def schema(
    classes: Sequence[str],
    space: FeatureSpace | None = None,
    bits: int | None = None,
    fit: Fit | None = None,
) -> pa.Schema:
    """Return the Arrow schema, with the class names where `datasets` looks for them.

    Args:
        classes: class names, in index order.
        space: whose features the rows have; None if they have none.
        bits: that the grey levels of the sources had, if some had more than 8.
        fit: what happened to images of another aspect ratio.
    """
    columns = dict(_COLUMNS)
    metadata: dict[str | bytes, str] = {}
    if space:
        kind = pa.list_(pa.float32(), space.width)
        value = {"_type": "Value", "dtype": "float32"}
        columns[FEATURES] = kind, {"_type": "Sequence", "feature": value, "length": space.width}
        metadata[BACKBONE] = json.dumps(asdict(space))
    if bits is not None:
        metadata[BITS] = str(bits)
    if fit is not None:
        metadata[FIT] = fit
    features = {name: dict(feature) for name, (_, feature) in columns.items()}
    features["label"]["names"] = list(classes)
    metadata["huggingface"] = json.dumps({"info": {"features": features}}, ensure_ascii=False)
    return pa.schema([(name, kind) for name, (kind, _) in columns.items()], metadata=metadata)


def space_of(table_schema: pa.Schema) -> FeatureSpace | None:
    """Return whose features a schema's rows have; None if they have none.

    Raises:
        UserError: the schema has features, and does not say whose.
    """
    if FEATURES not in table_schema.names:
        return None
    try:
        space = FeatureSpace.of(json.loads((table_schema.metadata or {})[BACKBONE]))
    except (KeyError, TypeError, ValueError, RecursionError):
        space = None
    if space is None or not isinstance(space.width, int) or not 0 < space.width < 2**31:
        raise UserError("the table has features, but does not say of which backbone")
    return space


def bits_of(table_schema: pa.Schema) -> int | None:
    """Return how many bits of grey became the images' 8; None if that is not on record."""
    known = (table_schema.metadata or {}).get(BITS, b"")
    return int(known) if known in _POSSIBLE_BITS else None


def fit_of(table_schema: pa.Schema) -> Fit:
    """Return what happened to images of another aspect ratio; the default if not on record."""
    return _FITS.get((table_schema.metadata or {}).get(FIT, b""), "stretch")


def classes_of(table_schema: pa.Schema) -> tuple[str, ...]:
    """Return the class names that a schema holds, in index order, as a terminal may show them.

    Raises:
        UserError: it holds none.
    """
    try:
        info = json.loads((table_schema.metadata or {}).get(b"huggingface", b"{}"))
        names = info["info"]["features"]["label"]["names"]
    except (KeyError, TypeError, ValueError, RecursionError):
        names = None
    if not isinstance(names, list):
        raise UserError("the table's schema names no classes: not an image table of ours")
    return tuple(readable(str(name)) for name in names)


def conforming(rows: pa.Table) -> pa.Table:
    """Return rows as the table has them, whoever wrote them: columns of our names have our types.

    Args:
        rows: some columns of the table, or all.

    Raises:
        UserError: a column is of another kind, or a label is of no class.
    """
    kinds = {name: kind for name, (kind, _) in _COLUMNS.items() if name != "image"}
    if FEATURES in rows.schema.names and (space := space_of(rows.schema)):
        kinds[FEATURES] = pa.list_(pa.float32(), space.width)
    for place, (name, column) in enumerate(zip(rows.schema.names, rows.columns, strict=True)):
        if name == "image":
            _check_images(column.type)
        elif kinds.get(name, column.type) != column.type:
            try:
                rows = rows.set_column(place, name, column.cast(kinds[name]))
            except pa.ArrowException:
                raise UserError(f"its column {name!r} is not of {kinds[name]}: {OURS}") from None
    if "label" in rows.schema.names:
        _check_labels(rows["label"], len(classes_of(rows.schema)))
    return rows


def _check_images(kind: pa.DataType) -> None:
    fields = {one.name: one.type for one in kind} if pa.types.is_struct(kind) else {}
    (known, _) = _COLUMNS["image"]
    if not fields or any(known.field(name).type != found for name, found in fields.items()):
        raise UserError(f"its column 'image' is not of {known}: {OURS}")


def _check_labels(labels: pa.ChunkedArray, classes: int) -> None:
    bounds = pc.min_max(labels)
    if labels.null_count or (
        len(labels) and not 0 <= bounds["min"].as_py() <= bounds["max"].as_py() < classes
    ):
        raise UserError(f"it has labels that are none of its {classes} classes: {OURS}")
