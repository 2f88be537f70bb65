"""What the pages of a Parquet file unpack to, by their own headers: the footer may say less.

A header is a struct of Thrift's compact protocol, `PageHeader` in Parquet's format; of it are read
the kind of the page, its sizes packed and unpacked, and how many values it holds.
"""

from typing import Any, BinaryIO, NamedTuple

_KIND, _UNPACKED, _PACKED, _DATA, _DATA_V2 = 1, 2, 3, 5, 8
"""Numbers of fields; the first field of the last two is the number of values."""
_DICTIONARY = 2
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _STRUCT = 1, 2, 3, 4, 5, 6, 7, 8, 12


class Pages(NamedTuple):
    """What the pages of a column of a row group hold.

    Attributes:
        unpacked: bytes of all.
        dictionary: bytes of those that hold each value once, for many rows.
        values: their number; no page needs bytes for one that repeats.
    """

    unpacked: int
    dictionary: int
    values: int


def pages(file: BinaryIO, chunk: Any) -> Pages:
    """Return what the pages of a column chunk hold, none of which is read.

    Args:
        file: the Parquet file.
        chunk: pyarrow's metadata of the column in a row group.

    Raises:
        ValueError: a header that is none.
    """
    starts = (chunk.dictionary_page_offset, chunk.data_page_offset)
    position = min(start for start in starts if start is not None and start >= 0)
    end, found = position + chunk.total_compressed_size, Pages(0, 0, 0)
    while position < end:
        header, position = _header(file, position)
        size, packed = (_number(header, name) for name in (_UNPACKED, _PACKED))
        if min(size, packed) < 0:
            raise ValueError("a page without a size")
        of_data = header.get(_DATA, header.get(_DATA_V2))
        found = Pages(
            found.unpacked + size,
            found.dictionary + (size if header.get(_KIND) == _DICTIONARY else 0),
            found.values + max(0, _number(of_data, 1)),
        )
        position += packed
    return found


def _number(fields: Any, name: int) -> int:
    """Return a field of a struct that is a number, or −1."""
    number = fields.get(name) if isinstance(fields, dict) else None
    return number if isinstance(number, int) else -1


def _header(file: BinaryIO, position: int) -> tuple[dict[int, Any], int]:
    """Return the struct at a place of a file, and where it ends."""
    try:
        file.seek(position)
        return _struct(file), file.tell()
    except (OSError, OverflowError, IndexError, RecursionError):
        raise ValueError("a page without a header") from None


def _struct(file: BinaryIO) -> dict[int, Any]:
    fields: dict[int, Any] = {}
    number = 0
    while head := file.read(1)[0]:
        step = head >> 4
        number = number + step if step else _integer(file)
        fields[number] = _value(file, head & 15)
    return fields


def _value(file: BinaryIO, kind: int) -> Any:
    if kind in (_TRUE, _FALSE):
        return kind == _TRUE
    if kind in (_I16, _I32, _I64):
        return _integer(file)
    if kind == _STRUCT:
        return _struct(file)
    if kind not in (_BYTE, _DOUBLE, _BINARY):
        raise ValueError("a page header of another kind")
    lengths = {_BYTE: 1, _DOUBLE: 8}
    file.seek(lengths.get(kind) or _varint(file), 1)
    return None


def _integer(file: BinaryIO) -> int:
    """Return a number with a sign; 0, −1, 1, −2 are written 0, 1, 2, 3."""
    number = _varint(file)
    return (number >> 1) ^ -(number & 1)


def _varint(file: BinaryIO) -> int:
    number = 0
    for place in range(0, 70, 7):
        byte = file.read(1)[0]
        number |= (byte & 127) << place
        if byte < 128:
            return number
    raise ValueError("a number without an end")
