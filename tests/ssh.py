"""A real sshd on this machine."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ports import free_port

SSHD = shutil.which("sshd") or shutil.which("/usr/sbin/sshd")
CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
LogLevel ERROR
UsePAM no
StrictModes no
PasswordAuthentication no
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
"""


@contextmanager
def sshd(folder: Path) -> Iterator[tuple[int, Path]]:
    """Run sshd on a free port; return it and the private key that opens it."""
    if SSHD is None or not shutil.which("ssh-keygen"):
        pytest.skip("no sshd here: install Debian's openssh-server")
    folder.mkdir()
    for name in ("host", "user"):
        generate = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(generate, check=True)
    port = free_port()
    (folder / "config").write_text(CONFIG.format(port=port, folder=folder))
    separation = Path("/run/sshd")
    if not separation.exists():
        try:
            separation.mkdir()
        except OSError:
            pytest.skip("sshd wants /run/sshd, which only root can make")
    with subprocess.Popen([SSHD, "-D", "-e", "-f", str(folder / "config")]) as server:
        for _ in range(100):
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield port, folder / "user"
        server.terminate()
