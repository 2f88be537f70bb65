import json

import pyarrow as pa
import pytest

from gan_augment.errors import UserError
from gan_augment.table import classes_of


@pytest.mark.parametrize(
    "metadata",
    ["{", "null", "[" * 100_000, '{"info": null}', '{"info": {"features": {"label": {}}}}'],
    ids=["cut", "null", "deep", "empty", "nameless"],
)
def test_metadata_that_name_no_classes(metadata: str) -> None:
    schema = pa.schema({"label": pa.int64()}, metadata={"huggingface": metadata})
    with pytest.raises(UserError, match="names no classes"):
        classes_of(schema)


def test_names_of_classes_hold_no_escape_codes() -> None:
    names = json.dumps({"info": {"features": {"label": {"names": ["a\x1b[2J", "b"]}}}})
    schema = pa.schema({"label": pa.int64()}, metadata={"huggingface": names})
    assert classes_of(schema) == ("a\\x1b[2J", "b")
