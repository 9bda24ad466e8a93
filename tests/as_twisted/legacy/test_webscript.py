"""Files of Python that are run for what they serve."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plait.as_twisted.legacy.webfiles import Registry
from plait.as_twisted.legacy.webscript import (
    PythonScript,
    ResourceScript,
    ResourceScriptDirectory,
    ResourceScriptWrapper,
    ResourceTemplate,
)
from plait.as_twisted.legacy.webtesting import DummyRequest

PAGE = """
from plait.web.static import Data
cache()
resource = Data(b"from " + __file__.rpartition("/")[2].encode(), "text/plain")
"""


def answer(resource: Any) -> tuple[int | None, bytes]:
    request = DummyRequest([])
    result = resource.render(request)
    if isinstance(result, bytes):
        request.written.append(result)
    return request.responseCode, b"".join(request.written)


def test_a_file_makes_a_resource_which_is_kept_if_it_asks_for_that(tmp_path: Path) -> None:
    file = tmp_path / "a.rpy"
    file.write_text(PAGE)
    registry = Registry()
    made = ResourceScript(str(file), registry)
    assert answer(made) == (None, b"from a.rpy")
    assert ResourceScript(str(file), registry) is made
    assert ResourceScript(str(file), None) is not made
    file.write_text(
        PAGE.replace("cache()", "recache()").replace("from", "anew from", 1).replace("anew from plait", "from plait")
    )
    assert ResourceScript(str(file), registry) is not made


def test_one_that_sets_none_says_what_it_has_to_do(tmp_path: Path) -> None:
    (tmp_path / "empty.rpy").write_text("")
    code, page = answer(ResourceScript(str(tmp_path / "empty.rpy"), None))
    assert code == 500 and b"resource" in page


def test_a_folder_has_no_more_than_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "index").write_text(PAGE)
    (tmp_path / "outside.rpy").write_text(PAGE)
    scripts = ResourceScriptDirectory(str(folder))
    assert answer(scripts.getChild(b"", None)) == (None, b"from index")
    for name in (b"missing", b"..", b"../outside.rpy", b".index", b"a\0"):
        assert answer(scripts.getChild(name, None))[0] == 404, name
    wrapped = ResourceScriptWrapper(str(folder / "index"))
    assert answer(wrapped) == (None, b"from index")


def test_a_file_that_answers_by_itself(tmp_path: Path) -> None:
    file = tmp_path / "a.epy"
    file.write_text("request.write(b'hello')")
    assert answer(PythonScript(str(file), None)) == (None, b"hello")
    file.write_text("open('nowhere')")
    assert b"nowhere" in answer(PythonScript(str(file), None))[1]
    assert answer(PythonScript(str(tmp_path / "none.epy"), None))[0] == 404
    with pytest.raises(NotImplementedError):
        ResourceTemplate("a", None)
