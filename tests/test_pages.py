from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gan_augment.pages import Pages, pages
from tests.parquets import lie

NUMBERS, NAMES = list(range(1000)), ["a", "bc"] * 500
TABLE = pa.table(
    {"number": NUMBERS, "name": NAMES},
    pa.schema([pa.field("number", pa.int64(), False), pa.field("name", pa.string(), False)]),
)


def found(file: Path, column: int, group: int = 0) -> Pages:
    with file.open("rb") as stream:
        return pages(stream, pq.read_metadata(file).row_group(group).column(column))


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("codec", ["none", "snappy", "zstd", "gzip", "brotli", "lz4"])
def test_however_they_are_packed_they_hold_the_same(
    tmp_path: Path, codec: str, version: str
) -> None:
    """Eight bytes a number; a length of four bytes and its letters a name."""
    file = tmp_path / "table.parquet"
    options = {"compression": codec, "data_page_version": version, "data_page_size": 1000}
    pq.write_table(TABLE, file, use_dictionary=False, write_batch_size=100, **options)
    assert found(file, 0) == Pages(unpacked=8000, dictionary=0, values=1000)
    assert found(file, 1) == Pages(unpacked=4 * 1000 + 1500, dictionary=0, values=1000)


def test_a_dictionary_counts_once_and_its_rows_all(tmp_path: Path) -> None:
    """Two names, of 5 and 6 bytes; of the rows no more is written than there must be."""
    file = tmp_path / "table.parquet"
    pq.write_table(TABLE, file, row_group_size=500)
    for group in (0, 1):
        names = found(file, 1, group)
        assert (names.dictionary, names.values) == (11, 500)
        assert 11 < names.unpacked < 11 + 500


def test_nothing_is_believed_of_a_footer(tmp_path: Path) -> None:
    file = tmp_path / "table.parquet"
    pq.write_table(TABLE, file, use_dictionary=False, compression="zstd")
    truth, told = found(file, 0), pq.read_metadata(file).row_group(0).column(0)
    lie(file, told.total_uncompressed_size, 1)
    lie(file, 1000, 3)
    chunk = pq.read_metadata(file).row_group(0).column(0)
    assert (chunk.total_uncompressed_size, chunk.num_values) == (1, 3)
    assert found(file, 0) == truth == Pages(8000, 0, 1000)


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"\x15",
        b"\xff" * 30,
        b"\x15\x00" + b"\xff" * 20 + b"\x00",  # a number that does not end
        b"\x1c" * 5000,  # a struct in a struct in a struct
        b"\x19\xfc\xff\xff\xff\x0f",  # a list, which no header has
        b"\x18\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x00",  # a text of 2⁶³ − 1 bytes
        b"\x15\x00\x15\x01\x15\x10\x00",  # −1 bytes unpacked
        b"\x15\x00\x15\x10\x15\x01\x00",  # −1 bytes packed
        b"\x15\x00\x15\x10\x00",  # packed in no one knows how many
    ],
)
def test_a_header_that_is_none(tmp_path: Path, header: bytes) -> None:
    file = tmp_path / "table.parquet"
    pq.write_table(TABLE, file, use_dictionary=False)
    chunk = pq.read_metadata(file).row_group(0).column(0)
    content = file.read_bytes()
    file.write_bytes(content[: chunk.data_page_offset] + header)
    with file.open("rb") as stream, pytest.raises(ValueError, match="a page|a number"):
        pages(stream, chunk)
