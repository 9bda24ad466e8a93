"""The wheel is unpacked aside, and only its test modules can be found."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

from conformance import wheel
from conformance.child import WheelFinder


@pytest.mark.parametrize("name", ["twisted.test", "twisted.test.test_sample", "twisted.web.test.deep.helper"])
def test_test_modules_are_found(tmp_path: Path, name: str) -> None:
    file = tmp_path.joinpath(*name.split("."))
    if name == "twisted.test":
        file = file / "__init__.py"
    else:
        file = file.with_suffix(".py")
    file.parent.mkdir(parents=True)
    file.touch()
    spec = WheelFinder(tmp_path).find_spec(name)
    assert spec is not None
    assert (spec.name, spec.origin) == (name, str(file))
    assert spec.submodule_search_locations == ([str(file.parent)] if name == "twisted.test" else None)


@pytest.mark.parametrize(
    "name", ["twisted", "twisted.internet", "twisted.internet.defer", "twisted.testing", "test.twisted"]
)
def test_other_modules_are_not_though_they_are_there(tmp_path: Path, name: str) -> None:
    package = tmp_path.joinpath(*name.split("."))
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    package.with_name(f"{package.name}.py").touch()
    assert WheelFinder(tmp_path).find_spec(name) is None


def test_a_test_module_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    assert WheelFinder(tmp_path).find_spec("twisted.test.test_sample") is None


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels, with Twisted 1.2.3, that pip takes for all the world."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    info = "twisted-1.2.3.dist-info"
    with zipfile.ZipFile(folder / "twisted-1.2.3-py3-none-any.whl", "w") as file:
        file.writestr("twisted/__init__.py", "")
        file.writestr("twisted/test/__init__.py", "")
        file.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: twisted\nVersion: 1.2.3\nRequires-Dist: no-such-thing\n"
        )
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_it_is_unpacked_once(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "aside"
    place = wheel.fetch("1.2.3", folder)
    assert place == folder.resolve() / "twisted-1.2.3"
    assert (place / "twisted" / "test" / "__init__.py").is_file()
    assert list(folder.iterdir()) == [place]

    def never(*args: object, **kwargs: object) -> None:
        raise AssertionError("downloaded again")

    monkeypatch.setattr(subprocess, "run", never)
    assert wheel.fetch("1.2.3", folder) == place


def test_one_that_cannot_be_had_is_an_error_and_leaves_nothing(index: Path, tmp_path: Path) -> None:
    folder = tmp_path / "aside"
    with pytest.raises(wheel.WheelError, match=r"could not download twisted 9\.9"):
        wheel.fetch("9.9", folder)
    assert list(folder.iterdir()) == []


def test_a_folder_without_twisted_is_refused(tmp_path: Path) -> None:
    with pytest.raises(wheel.WheelError, match="has no package twisted in it"):
        wheel.check(tmp_path)
