import json

import pyarrow as pa
import pytest

from gan_augment.errors import UserError
from gan_augment.table import classes_of, schema
from gan_augment.table.columns import bits_of


@pytest.mark.parametrize(
    "metadata",
    ["{", "null", "[" * 100_000, '{"info": null}', '{"info": {"features": {"label": {}}}}'],
    ids=["cut", "null", "deep", "empty", "nameless"],
)
def test_metadata_that_name_no_classes(metadata: str) -> None:
    said = pa.schema({"label": pa.int64()}, metadata={"huggingface": metadata})
    with pytest.raises(UserError, match="names no classes"):
        classes_of(said)


def test_names_of_classes_hold_no_escape_codes() -> None:
    names = json.dumps({"info": {"features": {"label": {"names": ["a\x1b[2J", "b"]}}}})
    said = pa.schema({"label": pa.int64()}, metadata={"huggingface": names})
    assert classes_of(said) == ("a\\x1b[2J", "b")


def test_bits_of_grey_are_on_record() -> None:
    assert bits_of(schema(["a"], bits=12)) == 12
    assert bits_of(schema(["a"])) is None


@pytest.mark.parametrize("said", ["x", "7", "17", "-8", "9" * 5000])
def test_bits_of_grey_that_cannot_be_are_none(said: str) -> None:
    assert bits_of(pa.schema([], metadata={"grey bits": said})) is None
