"""Wheel and sdist: built, installed away from the repository, and used there."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.e2e.conftest import ENVIRONMENT, ROOT, copy_repository

pytestmark = pytest.mark.e2e
OTHERS = tuple(f"3.{minor}" for minor in (11, 12, 13) if minor != sys.version_info.minor)
AWAY = {name: value for name, value in ENVIRONMENT.items() if name != "PYTHONPATH"}


def run(*command: object, cwd: Path) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=AWAY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the sdist, and the wheel that was built from it."""
    source, out = (tmp_path_factory.mktemp(name) for name in ("source", "dist"))
    copy_repository(source)
    run("uv", "build", "--quiet", "--no-build-isolation", "--out-dir", out, ".", cwd=source)
    return out


def environment(folder: Path, package: Path, python: str) -> Path:
    """Install a built package, and make what it depends on importable; return the scripts' folder.

    The dependencies are those of the running environment: nothing is downloaded.
    """
    run("uv", "venv", "--quiet", "--offline", "--python", python, folder, cwd=folder.parent)
    where = ("--python", folder, "--offline", "--no-deps", "--no-build-isolation")
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    run("uv", "pip", "install", "--quiet", *where, package, cwd=folder.parent)
    return folder / "bin"


@pytest.mark.parametrize("kind", ["whl", "tar.gz"])
def test_it_works_away_from_the_repository(built: Path, tmp_path: Path, kind: str) -> None:
    scripts = environment(tmp_path / "venv", next(built.glob(f"*.{kind}")), sys.executable)
    command = scripts / "gan-augment"
    origin = "import gan_augment, gan_augment_flows; print(gan_augment.__file__)"
    where = run(scripts / "python", "-c", origin, cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(tmp_path / "venv")
    assert run(command, "--version", cwd=tmp_path).startswith("gan-augment 0.")
    assert "ingest" in run(command, "--help", cwd=tmp_path)
    run(command, "init", "project", cwd=tmp_path)
    assert "ingest: 1353 images" in run(command, "ingest", cwd=tmp_path / "project")


def test_data_files_are_in_both(built: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "pipeline", "flows"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    wheel = run(sys.executable, "-m", "zipfile", "-l", next(built.glob("*.whl")), cwd=built)
    sdist = run(sys.executable, "-m", "tarfile", "-l", next(built.glob("*.tar.gz")), cwd=built)
    for name in listed:
        assert f"{name.split('/', 1)[1]} " in wheel
        assert f"/{name} " in sdist


def interpreter(version: str) -> str | None:
    """Return the path of another Python on this machine, None if it has none."""
    try:
        asked = subprocess.run(
            [f"python{version}", "-c", "import sys; print(sys.executable)"],
            env={**AWAY, "PYENV_VERSION": version},
            capture_output=True,
            text=True,
            check=True,
        )
    except (FileNotFoundError, subprocess.CalledProcessError):
        return None
    return asked.stdout.strip()


@pytest.mark.parametrize("version", OTHERS)
def test_other_versions_of_python_compile_it_and_start_it(
    built: Path, tmp_path: Path, version: str
) -> None:
    """Their heavy dependencies are not here, so this is as far as it goes."""
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    scripts = environment(tmp_path / "venv", next(built.glob("*.whl")), python)
    site = next((tmp_path / "venv").glob("lib/python*/site-packages"))
    for package in ("gan_augment", "gan_augment_flows"):
        run(scripts / "python", "-W", "error", "-m", "compileall", "-q", site / package, cwd=site)
    assert run(scripts / "gan-augment", "--version", cwd=tmp_path).startswith("gan-augment 0.")
    assert "ingest" in run(scripts / "gan-augment", "--help", cwd=tmp_path)
