"""The same publication over SSH, with a real sshd."""

import getpass
from collections.abc import Iterator
from pathlib import Path

import pytest

from gan_augment.errors import UserError
from gan_augment.versions.publish import Publication, publish
from tests.ports import free_port
from tests.projects import Project
from tests.ssh import sshd


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    with sshd(tmp_path / "ssh") as server:
        yield server


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
