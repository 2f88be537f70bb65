"""A server of S3's kind on this machine."""

import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any
from urllib.request import Request, urlopen

import pytest

from gan_augment.engine import kept
from tests.ports import free_port

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return the files of a server that has a bucket `bucket`; the environment leads to it."""
    s3fs = pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(port=free_port(), verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    urlopen(Request(f"http://{host}:{port}/moto-api/reset", method="POST")).close()  # of others
    environment = {**CREDENTIALS, "AWS_ENDPOINT_URL": f"http://{host}:{port}"}
    for name, value in {**environment, "AWS_EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    kept._writable.cache_clear()
    files = s3fs.S3FileSystem(skip_instance_cache=True)
    files.mkdir("bucket")
    yield files
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


@pytest.fixture
def without_s3fs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the library for S3 not be there."""
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(import_module("fsspec.registry")._registry, "s3", raising=False)
