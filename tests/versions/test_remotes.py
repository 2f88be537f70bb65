"""The same publication over SSH, with a real sshd."""

import getpass
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gan_augment.errors import UserError
from gan_augment.versions.publish import Publication, publish
from tests.ports import free_port
from tests.versions.conftest import Project

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


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """Run sshd on a free port; return it and the private key that opens it."""
    if SSHD is None or not shutil.which("ssh-keygen"):
        pytest.skip("no sshd here: install Debian's openssh-server")
    folder = tmp_path / "ssh"
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


def test_publishing_over_ssh(project: Project, ssh: tuple[int, Path], tmp_path: Path) -> None:
    port, key = ssh
    address = f"ssh://{getpass.getuser()}@127.0.0.1:{port}{tmp_path}/remote"
    project.run("dvc", "remote", "add", "--quiet", "--default", "over-ssh", address)
    project.run("dvc", "remote", "modify", "over-ssh", "keyfile", str(key))
    project.commit("over ssh")
    project.run("git", "push", "--quiet", "origin", "main")

    release = publish(project.root, Publication())
    assert release.tag == "augmented@v1.0.0"
    assert not project.store.exists()
    out = tmp_path / "pulled"
    project.run("dvc", "artifacts", "get", str(project.git), "augmented", "-o", str(out))
    assert (out / "part.txt").read_bytes() == b"a\n"


def test_a_remote_out_of_reach_may_come_back(project: Project) -> None:
    port = free_port()
    address = f"ssh://nobody@127.0.0.1:{port}/remote"
    project.run("dvc", "remote", "add", "--quiet", "--default", "over-ssh", address)
    project.commit("over ssh")
    with pytest.raises(UserError) as failed:
        publish(project.root, Publication())
    from gan_augment.versions.command import Outcome

    assert Outcome(1, str(failed.value), []).passes, failed.value
    assert project.tags() == []
