"""Ports that no other test, and no client of one, takes at the same time."""

import os
import socket
from itertools import count

FIRST, EACH = 20_000, 1_000
"""Below what systems give to clients (from 32768 on), and how many a test process has."""

_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
_pairs = count(FIRST + _worker * EACH + 2 * (os.getpid() % 250), 2)


def free_port() -> int:
    """Return a port of this machine that is free, as the one after it is; never the same twice."""
    return next(port for port in _pairs if _free(port) and _free(port + 1))


def _free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
