"""The list of test modules is whole, and a choice of them is what was asked for."""

from __future__ import annotations

import re

import pytest

from conformance import modules


@pytest.fixture(scope="module")
def listed() -> modules.Modules:
    return modules.load()


def test_each_module_has_a_class_and_tests(listed: modules.Modules) -> None:
    assert len({module.name for module in listed.all}) == len(listed.all) > 90
    assert [module for module in listed.all if module.kind not in ("A", "B", "C") or module.tests < 1] == []
    assert {module.area for module in listed.all} == set(listed.titles)
    assert set(listed.checked) <= set(listed.titles)


def test_the_benchmarks_compare_with_the_same_release(listed: modules.Modules) -> None:
    pyproject = (modules.FILE.parent.parent / "pyproject.toml").read_text(encoding="utf-8")
    assert re.search(rf'^bench = .*"twisted\[tls\]=={re.escape(listed.twisted)}"', pyproject, re.MULTILINE)


def test_areas_and_names_add_up(listed: modules.Modules) -> None:
    chosen = listed.choose(["twisted.test.test_ftp"], ["defer"])
    assert [module.name for module in chosen] == [
        "twisted.internet.test.test_defer_await",
        "twisted.test.test_defer",
        "twisted.test.test_task",
        "twisted.test.test_failure",
        "twisted.test.test_ftp",
    ]
    assert listed.choose() == list(listed.all)


def test_what_is_not_listed_is_an_error_that_says_so(listed: modules.Modules) -> None:
    with pytest.raises(modules.UnknownNameError, match=r"no test module 'test_ftp' in modules\.toml"):
        listed.choose(["test_ftp"])
    with pytest.raises(modules.UnknownNameError, match="no area 'news'; there are defer, reactor, "):
        listed.choose(areas=["news"])
