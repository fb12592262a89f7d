"""An installed lockdeck owns one name: neighbours with packages called like its folders harm nothing."""

from __future__ import annotations

import sysconfig
import zipfile
from pathlib import Path

import pytest

from lockdeck import __version__
from tests.folders import DOCS
from tests.packaging.build import build_wheel
from tests.packaging.environment import Environment

NAMES = ("backend", "tui", "themes")
NEIGHBOUR = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "neighbour"
version = "1"
[tool.hatch.build.targets.wheel]
packages = ["backend", "tui", "themes"]
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Environment:
    """An environment with the wheel; what it needs is that of this run."""
    environment = Environment(tmp_path_factory.mktemp("environment"), sysconfig.get_path("purelib"))
    environment.pip("install", "--no-deps", "--no-index", wheel)
    return environment


def with_packages(folder: Path, body: str) -> Path:
    for name in NAMES:
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(body)
    return folder


def starts(environment: Environment, folder: Path, **env: str) -> None:
    (folder / "agents").mkdir(exist_ok=True)
    for command in ((environment.lockdeck,), (environment.python, "-m", "lockdeck")):
        done = environment.run(*command, "--version", folder=folder, env=env)
        assert (done.stdout.split(", ")[1], done.stderr) == (f"version {__version__}\n", "")
        done = environment.run(*command, "status", "--json", folder, folder=folder, env=env)
        assert '"schema":' in done.stdout
        assert done.stderr == ""


def test_a_wheel_holds_one_package_and_all_of_it(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    data = f"lockdeck-{__version__}.data"
    assert {name.partition("/")[0] for name in names} == {
        "lockdeck",
        f"lockdeck-{__version__}.dist-info",
        data,
    }
    manual = {name.rpartition("/")[2] for name in names if name.startswith(f"{data}/data/share/man/man1/")}
    assert manual == {page.name for page in (DOCS / "man").iterdir()}
    repository = Path(__file__).parents[3]
    code = {
        f"lockdeck/{path.relative_to(repository)}"
        for folder in NAMES
        for path in (repository / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert code <= set(names)
    assert not [name for name in names if name.startswith("tests/") or name.endswith(".pyc")]


def test_the_installed_package_is_not_this_repository(installed: Environment, tmp_path: Path) -> None:
    done = installed.run(installed.python, "-c", "import lockdeck; print(lockdeck.__file__)", folder=tmp_path)
    assert done.stdout.startswith(str(installed.python.parents[1]))


def test_a_folder_with_packages_of_these_names_harms_nothing(installed: Environment, tmp_path: Path) -> None:
    folder = with_packages(tmp_path, "raise ImportError('this is another one')\n")
    starts(installed, folder)
    starts(installed, folder, PYTHONPATH=".")


def test_a_project_with_packages_of_these_names_lives_beside_it(
    installed: Environment, tmp_path: Path
) -> None:
    source = with_packages(tmp_path / "source", "OWNER = 'neighbour'\n")
    (source / "pyproject.toml").write_text(NEIGHBOUR)
    installed.pip("install", "--no-deps", "--no-index", build_wheel(tmp_path / "wheel", source))
    home = tmp_path / "home"
    home.mkdir()
    starts(installed, home)
    code = "import backend, tui, themes; print(backend.OWNER, tui.OWNER, themes.OWNER)"
    done = installed.run(installed.python, "-c", code, folder=home)
    assert done.stdout == "neighbour neighbour neighbour\n"
    installed.pip("uninstall", "-y", "neighbour")
    starts(installed, home)


def test_the_page_on_pypi_has_pictures_and_links_that_lead_somewhere(wheel: Path) -> None:
    (metadata,) = (name for name in zipfile.ZipFile(wheel).namelist() if name.endswith("/METADATA"))
    text = zipfile.ZipFile(wheel).read(metadata).decode()
    home = "https://raw.githubusercontent.com/lockdeck/lockdeck"
    assert f"]({home}/v{__version__}/docs/demo.svg)" in text
    assert "](docs/" not in text
    assert "Project-URL: Homepage, https://github.com/lockdeck/lockdeck" in text
