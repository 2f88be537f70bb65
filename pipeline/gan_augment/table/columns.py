"""The columns of the image table, and its schema. See `gan_augment.table` for what they mean."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from gan_augment.errors import UserError

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


def schema(classes: Sequence[str]) -> pa.Schema:
    """Return the Arrow schema, with the class names where `datasets` looks for them."""
    features = {name: dict(feature) for name, (_, feature) in _COLUMNS.items()}
    features["label"]["names"] = list(classes)
    metadata = {"huggingface": json.dumps({"info": {"features": features}}, ensure_ascii=False)}
    return pa.schema([(name, kind) for name, (kind, _) in _COLUMNS.items()], metadata=metadata)


def classes_of(table_schema: pa.Schema) -> tuple[str, ...]:
    """Return the class names that a schema holds, in index order.

    Raises:
        UserError: it holds none.
    """
    info = json.loads((table_schema.metadata or {}).get(b"huggingface", b"{}"))
    try:
        return tuple(info["info"]["features"]["label"]["names"])
    except KeyError:
        raise UserError("the table's schema names no classes: not an image table of ours") from None
