"""The application file: running it, and taking the application from it."""

from __future__ import annotations

import os
import pickle
import sys
from types import CodeType, ModuleType

from plait.daemon.errors import StartError, reason, user_traceback
from plait.interfaces import adapt
from plait.service import Application, IService

NAME = "application"


def load_application(path: str) -> tuple[object, IService]:
    """Run the Python file at `path` (absolute) and return its ``application``, and that as a service.

    The file's folder can be imported from. StartError if there is no such file, if it is no Python, if it raises, or if
    it defines no application.
    """
    code = compile_file(path)
    folder, filename = os.path.split(path)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    module = ModuleType(_module_name(filename))
    module.__file__ = path
    # Where pickles, dataclasses and type hints look for what the file's classes refer to.
    sys.modules[module.__name__] = module
    try:
        exec(code, module.__dict__)
    except SyntaxError as error:
        raise StartError(_about_syntax(error, path)) from error
    except SystemExit as error:
        raise StartError(
            f"{path} ended the program while it was loaded (SystemExit: {error.code!r}); it has to define "
            f"`{NAME}` and come to its end"
        ) from error
    except Exception as error:
        raise StartError(f"{path} failed while it was loaded:\n{user_traceback(error)}") from error
    if not hasattr(module, NAME):
        raise StartError(_about_missing(module, path))
    return check_service(getattr(module, NAME), f"`{NAME}` in {path}")


def check_service(application: object, what: str) -> tuple[object, IService]:
    """`application` and its service. StartError that says `what` it is if it has none."""
    service: IService | None = adapt(IService, application, None)
    if service is None:
        raise StartError(
            f"{what} is {_article(type(application).__name__)}, which cannot be run: "
            "it has to be an Application or another service"
        )
    return application, service


def compile_file(path: str) -> CodeType:
    """The code of a Python file. StartError if there is no such file, or if it is no Python."""
    try:
        with open(path, "rb") as file:
            source = file.read()
    except FileNotFoundError:
        raise StartError(f"there is no file {path}") from None
    except OSError as error:
        raise StartError(f"cannot read {path}: {reason(error)}") from error
    try:
        return compile(source, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise StartError(_about_syntax(error, path)) from error
    except ValueError as error:  # null bytes, before Python 3.12
        raise StartError(f"{path} is not a Python file: {error}") from error


def load_saved(path: str) -> object:
    """The application that is saved in the file at `path` (absolute) as a pickle. StartError if there is none.

    A pickle runs what it likes: it has to be as trusted as a program.
    """
    folder = os.path.dirname(path)
    if folder not in sys.path:
        sys.path.insert(0, folder)  # the application's modules are found there, as if it were a program
    try:
        with open(path, "rb") as file:
            return pickle.load(file)
    except FileNotFoundError:
        raise StartError(f"there is no file {path}") from None
    except OSError as error:
        raise StartError(f"cannot read {path}: {reason(error)}") from error
    except Exception as error:
        raise StartError(f"{path} holds no saved application: {type(error).__name__}: {error}") from error


def _module_name(filename: str) -> str:
    name = filename.removesuffix(".py")
    # A file with the name of a module that is loaded (``logging.py``) must not take its place.
    return name if name.isidentifier() and name not in sys.modules else "plait_application"


def _about_syntax(error: SyntaxError, path: str) -> str:
    text = (error.text or "").strip()
    line = f", line {error.lineno}" if error.lineno else ""
    return f"syntax error in {error.filename or path}{line}: {error.msg}{': ' + text if text else ''}"


def _about_missing(module: ModuleType, path: str) -> str:
    others = [name for name, value in vars(module).items() if isinstance(value, Application)]
    hint = f"; its `{others[0]}` is one, name it `{NAME}`" if others else ""
    return f"{path} does not define `{NAME}` (such as {NAME} = service.Application('NAME')){hint}"


def _article(noun: str) -> str:
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"
