"""Damaged files of every kind that is read: refused in one sentence, or read; nothing else."""

import os
import resource
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gan_augment.errors import UserError
from tests.faults.readers import BUILT, PICTURES, Reader, readers

FUZZ = "GAN_AUGMENT_FUZZ"
"""Environment variable: how many files of each kind are damaged; set by `make fuzz`."""
EXAMPLES = int(os.environ.get(FUZZ, "15"))
SECONDS, ROOM = 30, 2**30
"""That reading a file may take, and bytes beyond what is there."""
NAMES = (
    *(f"image {ending}" for ending in PICTURES),
    *("zip", "tar", "csv", "parquet", "idx", "params.yaml", "record", "spreadsheet"),
    *BUILT,
)

Makers = Mapping[str, Callable[[], Reader]]
Change = tuple[float, int, bytes]
"""Where, as a share of the file; how many bytes go; which ones come."""
EXTREME = st.sampled_from([b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\0\n,'=", b"[" * 2000])
CHANGES = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 64), st.binary(max_size=16) | EXTREME),
    min_size=1,
    max_size=4,
)


@pytest.fixture(scope="module")
def made(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Makers:
    return readers(tmp_path_factory.mktemp("readers"), built)


def damaged(content: bytes, changes: list[Change]) -> bytes:
    for where, gone, new in changes:
        start = round(where * len(content))
        content = content[:start] + new + content[start + gone :]
    return content


@contextmanager
def bounded() -> Iterator[None]:
    """Let the block take so much time and memory."""

    def late(*_: object) -> None:
        raise TimeoutError

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + ROOM, before[1]))
    signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        resource.setrlimit(resource.RLIMIT_AS, before)


def files(folder: Path) -> dict[str, int]:
    """Return the files around a reader and their sizes, but for what it is asked to write."""
    found = {str(path.relative_to(folder)): path for path in folder.rglob("*")}
    return {
        name: path.stat().st_size
        for name, path in found.items()
        if path.is_file() and not name.startswith("out/")
    }


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="asks Linux for its memory")
@pytest.mark.parametrize("name", NAMES)
def test_no_file_does_more_than_be_refused(made: Makers, name: str) -> None:
    reader = made[name]()
    whole, folder = reader.file.read_bytes(), reader.file.parent
    reader.read()

    @settings(
        max_examples=EXAMPLES,
        derandomize=FUZZ not in os.environ,
        suppress_health_check=list(HealthCheck),
    )
    @given(CHANGES)
    def refused_or_read(changes: list[Change]) -> None:
        reader.file.write_bytes(damaged(whole, changes))
        before = files(folder)
        with bounded(), suppress(UserError):
            reader.read()
        assert files(folder) == before

    refused_or_read()
