"""Parquet files whose footers lie."""

from pathlib import Path


def lie(file: Path, truth: int, told: int) -> None:
    """Say one number for another, wherever a file's footer has it."""
    content = file.read_bytes()
    start = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    footer = content[start:-8]
    assert _written(truth) in footer
    footer = footer.replace(_written(truth), _written(told))
    file.write_bytes(content[:start] + footer + len(footer).to_bytes(4, "little") + b"PAR1")


def _written(number: int) -> bytes:
    """Return a number as Thrift's compact protocol writes it."""
    number = ((number << 1) ^ (number >> 63)) % 2**64
    parts = []
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])
