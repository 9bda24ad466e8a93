"""Modules found without being imported."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from plait.as_twisted.legacy import modules


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    package = tmp_path / "ropework"
    (package / "knots").mkdir(parents=True)
    for name in ("__init__", "splice", "knots/__init__", "knots/bowline"):
        (package / f"{name}.py").write_text("class Thing:\n    size = 3\n")
    (package / "data").mkdir()
    (package / "note.txt").write_text("no module")
    (tmp_path / "single.py").write_text("raise RuntimeError('imported')")
    return tmp_path


NAMES = ["ropework", "ropework.knots", "ropework.knots.bowline", "ropework.splice"]


def test_what_is_there(folder: Path) -> None:
    path = modules.PythonPath([str(folder), str(folder / "none")])
    assert [module.name for module in path.walkModules()] == [*NAMES, "single"]
    assert [module.name for module in path.iterModules()] == ["ropework", "single"]
    assert "ropework.splice" in path and "ropework.none" not in path and "none" not in path
    package = path["ropework"]
    assert package.isPackage() and not path["single"].isPackage() and not path["single"].isLoaded()
    assert package["knots"]["bowline"] == path["ropework.knots.bowline"] != package["splice"]
    assert path["single"].filePath.path == str(folder / "single.py")
    assert path["single"].pathEntry.filePath.path == str(folder)
    with pytest.raises(KeyError):
        package["none"]
    with pytest.raises(NotImplementedError):
        iter(package)


def test_in_an_archive(folder: Path) -> None:
    archive = str(folder / "rope.zip")
    with zipfile.ZipFile(archive, "w") as file:
        for source in folder.rglob("*.py"):
            file.write(source, source.relative_to(folder))
    assert [module.name for module in modules.PythonPath([archive]).walkModules()] == [*NAMES, "single"]


def test_imported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(folder)
    for name in ("ropework", "ropework.splice"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    module = modules.getModule("ropework.splice")
    with pytest.raises(NotImplementedError, match="load"):
        next(module.iterAttributes())
    assert module.load().Thing.size == 3 and module.isLoaded()
    thing = next(a for a in module.iterAttributes() if a.name == "ropework.splice.Thing")
    assert thing.isLoaded() and thing.onObject is module and thing.load().size == 3
    assert any(a.name == "ropework.splice.Thing.size" for a in thing.iterAttributes())
    broken = modules.getModule("single")
    assert broken.load(None) is None
    with pytest.raises(RuntimeError, match="imported"):
        broken.load()
    for name in ("ropework", "ropework.splice"):
        sys.modules.pop(name, None)


def test_a_package_says_where_its_modules_are(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "far.py").write_text("")
    (folder / "ropework" / "__init__.py").write_text(f"__path__.append({str(folder / 'elsewhere')!r})")
    monkeypatch.syspath_prepend(folder)
    package = modules.getModule("ropework")
    assert "ropework.far" not in [module.name for module in package.walkModules()]
    assert "ropework.far" in [module.name for module in package.walkModules(importPackages=True)]
    sys.modules.pop("ropework")


def test_one_that_only_an_import_hook_knows(folder: Path) -> None:
    module = ModuleType("hooked.splice")
    path = modules.PythonPath([], {"hooked.splice": module, "builtin": sys})
    assert "hooked.splice" not in path
    module.__file__ = str(folder / "ropework" / "splice.py")
    assert path["hooked.splice"].filePath.sibling("knots").isdir() and path["hooked.splice"].isLoaded()
    assert "builtin" not in path
