"""Values in files of this machine, with arrays as they lie in memory: whoever reads, maps them."""

import io
import mmap
import pickle
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, TypeVar

import cloudpickle
import numpy as np

Value = TypeVar("Value")
VALUE, ARRAYS = "value", "arrays"
"""Files: the pickled value, and its arrays one after the other."""
ALIGNED = 64
"""Arrays begin at a multiple of so many bytes."""


@dataclass(frozen=True)
class Filed(Generic[Value]):
    """A value in a folder."""

    folder: Path

    def get(self) -> Value:
        """Return the value, read once in a process; its arrays cannot be written to."""
        value: Value = _load(self.folder)
        return value


def file(value: Value, folder: Path) -> Filed[Value]:
    """Write a value into a folder; functions in it may be local, arrays in mapped files stay there.

    Args:
        value: what cloudpickle can pickle.
        folder: there, and empty.
    """
    arrays: list[pickle.PickleBuffer] = []
    content = io.BytesIO()
    _Pickler(content, protocol=5, buffer_callback=arrays.append).dump(value)
    places = []
    with (folder / ARRAYS).open("wb") as out:
        for array in arrays:
            raw = array.raw()
            places.append((out.tell(), raw.nbytes))
            out.write(raw)
            out.write(bytes(-raw.nbytes % ALIGNED or ALIGNED))  # never an empty file
    (folder / VALUE).write_bytes(pickle.dumps((places, content.getvalue())))
    return Filed(folder)


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Pickles arrays that are whole files as the names of these."""

    def reducer_override(self, value: Any) -> Any:
        whole: Any = value.base if isinstance(value, np.memmap) else None
        if isinstance(whole, mmap.mmap):
            where = str(value.filename), value.dtype, value.shape, value.offset
            return _mapped, (*where, "F" if np.isfortran(value) else "C")
        return super().reducer_override(value)


def _mapped(
    name: str, kind: "np.dtype[Any]", shape: tuple[int, ...], offset: int, order: Any
) -> "np.memmap[Any, Any]":
    return np.memmap(name, kind, "r", offset, shape, order)


@lru_cache(maxsize=1)
def _load(folder: Path) -> Any:
    places, content = pickle.loads((folder / VALUE).read_bytes())
    arrays: list[memoryview] = []
    if places:
        with (folder / ARRAYS).open("rb") as held:
            whole = memoryview(mmap.mmap(held.fileno(), 0, access=mmap.ACCESS_READ))
        arrays = [whole[start : start + size] for start, size in places]
    return pickle.loads(content, buffers=arrays)
