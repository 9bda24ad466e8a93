"""Application files: good ones, and each way in which one can be wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from plait.daemon.errors import StartError
from plait.daemon.loading import load_application
from plait.service import Application, Service

HEAD = "from plait.service import Application, Service\n"


@pytest.fixture(autouse=True)
def clean_imports() -> Iterator[None]:
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if not name.startswith("plait."):
            del sys.modules[name]


def write(folder: Path, source: str | bytes, name: str = "app.py") -> str:
    file = folder / name
    file.write_bytes(source if isinstance(source, bytes) else source.encode())
    return str(file)


def refusal(path: str) -> str:
    with pytest.raises(StartError) as refused:
        load_application(path)
    return str(refused.value)


def test_an_application(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + "application = Application('x')\nfile, name = __file__, __name__\n")
    application, service = load_application(path)
    assert isinstance(application, Application) and service is application
    module = sys.modules["app"]
    assert (module.file, module.name) == (path, "app")


def test_a_service_will_do(tmp_path: Path) -> None:
    _, service = load_application(write(tmp_path, HEAD + "application = Service()\n"))
    assert isinstance(service, Service)


def test_its_folder_can_be_imported_from(tmp_path: Path) -> None:
    write(tmp_path, HEAD + "def make():\n    return Application('x')\n", "neighbour_of_app.py")
    load_application(write(tmp_path, "import neighbour_of_app\napplication = neighbour_of_app.make()\n"))


def test_its_classes_can_be_found_where_they_say(tmp_path: Path) -> None:
    source = (
        "from __future__ import annotations\nimport dataclasses, typing\n" + HEAD + "@dataclasses.dataclass\n"
        "class Peer:\n    address: str\ntyping.get_type_hints(Peer)\napplication = Application('x')\n"
    )
    load_application(write(tmp_path, source))


def test_a_file_named_like_a_loaded_module_does_not_replace_it(tmp_path: Path) -> None:
    import textwrap

    load_application(write(tmp_path, HEAD + "application = Application('x')\n", "textwrap.py"))
    assert sys.modules["textwrap"] is textwrap


def test_the_main_part_of_a_script_is_not_run(tmp_path: Path) -> None:
    source = HEAD + "application = Application('x')\nif __name__ == '__main__':\n    raise ValueError\n"
    load_application(write(tmp_path, source))


def test_a_missing_file(tmp_path: Path) -> None:
    path = str(tmp_path / "missing.py")
    assert refusal(path) == f"there is no file {path}"


def test_a_folder(tmp_path: Path) -> None:
    assert refusal(str(tmp_path)) == f"cannot read {tmp_path}: Is a directory"


@pytest.mark.parametrize(
    ("source", "line", "text"),
    [
        ("x = 1\ndef f(:\n", 2, "def f(:"),
        ("application = Application('x'\n", 1, "application = Application('x'"),
        ("x = 1\nreturn 3\n", 2, "return 3"),
        ("if True:\nx = 1\n", 2, "x = 1"),
    ],
)
def test_a_syntax_error(tmp_path: Path, source: str, line: int, text: str) -> None:
    path = write(tmp_path, source)
    message = refusal(path)
    assert message.startswith(f"syntax error in {path}, line {line}: ")
    assert message.endswith(f": {text}")
    assert "\n" not in message


def test_a_syntax_error_in_a_module_that_it_imports(tmp_path: Path) -> None:
    other = write(tmp_path, "x = 1\nx ==== 2\n", "faulty_neighbour.py")
    message = refusal(write(tmp_path, "import faulty_neighbour\n"))
    assert message.startswith(f"syntax error in {other}, line 2: ") and message.endswith(": x ==== 2")


@pytest.mark.parametrize("source", [b"x = '\xff'\n", b"# coding: klingon\n", b"\x7fELF\x02\0\0\0", b"x = 1\0\n"])
def test_no_text_in_python(tmp_path: Path, source: bytes) -> None:
    path = write(tmp_path, source)
    message = refusal(path)
    assert path in message and "\n" not in message


def test_an_exception_shows_the_frames_of_the_user_alone(tmp_path: Path) -> None:
    other = write(
        tmp_path,
        "def work():\n    try:\n        {}['key']\n    except KeyError as error:\n"
        "        raise ValueError('no key') from error\n",
        "raising_neighbour.py",
    )
    path = write(tmp_path, "import raising_neighbour\n\nraising_neighbour.work()\n")
    message = refusal(path)
    assert message.startswith(f"{path} failed while it was loaded:\nTraceback (most recent call last):\n")
    assert message.endswith("ValueError: no key")
    assert f'File "{path}", line 3' in message and f'File "{other}", line 5' in message
    assert "KeyError: 'key'" in message and f'File "{other}", line 3' in message
    assert "loading.py" not in message and "importlib" not in message


def test_an_import_that_fails(tmp_path: Path) -> None:
    path = write(tmp_path, "import there_is_no_such_module\n")
    message = refusal(path)
    assert f'File "{path}", line 1' in message
    assert message.endswith("ModuleNotFoundError: No module named 'there_is_no_such_module'")


def test_an_exception_raised_by_plait_shows_where_it_was_called(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + "Service().setServiceParent('nothing')\n")
    message = refusal(path)
    assert f'File "{path}", line 2' in message and message.count("File ") == 1
    assert "TypeError" in message.splitlines()[-1]


def test_a_file_that_exits(tmp_path: Path) -> None:
    message = refusal(write(tmp_path, "import sys\nsys.exit('enough')\n"))
    assert "SystemExit: 'enough'" in message and "\n" not in message


def test_no_application(tmp_path: Path) -> None:
    path = write(tmp_path, "x = 1\n")
    message = refusal(path)
    assert path in message and "`application`" in message and "\n" not in message


def test_an_application_under_another_name(tmp_path: Path) -> None:
    message = refusal(write(tmp_path, HEAD + "app = Application('x')\n"))
    assert "its `app` is one, name it `application`" in message


def test_an_application_that_is_none(tmp_path: Path) -> None:
    message = refusal(write(tmp_path, "application = 5\n"))
    assert "`application`" in message and "an int" in message
