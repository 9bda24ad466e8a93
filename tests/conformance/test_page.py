"""The page says what the record says."""

from __future__ import annotations

from conformance import modules, page, record
from conformance.modules import Module, Modules
from conformance.record import CHANGED, NOT_YET, PRIVATE, SKIPPED, Entry, Reason

LIST = Modules(
    "1.2.3",
    ("core",),
    {"core": "The core", "rest": "All the rest"},
    (
        Module("twisted.test.test_core", "core", "A", 200),
        Module("twisted.test.test_inner", "core", "C", 10),
        Module("twisted.test.test_rest", "rest", "B", 10),
        Module("twisted.test.test_new", "rest", "A", 4),
    ),
)


def test_the_page_is_that_of_the_record() -> None:
    text = page.render(modules.load(), record.load())
    assert page.FILE.read_text(encoding="utf-8") == text, "make conformance RECORD=1 writes it (ONLY=… for one module)"


def test_the_record_has_each_module_of_the_list() -> None:
    assert {module.name for module in modules.load().all} == set(record.load())


def test_figures_are_added_up_and_rounded_down() -> None:
    text = page.render(LIST, {"twisted.test.test_core": Entry(199), "twisted.test.test_inner": Entry(12)})
    assert "the wheel of Twisted 1.2.3" in text.replace("\n", " ")
    assert "| `twisted.test.test_core` | A | 199 | 200 | 99 |" in text
    assert (
        "| `twisted.test.test_inner` | C | 10 | 10 | 100 |" in text
    )  # what passes beyond Twisted's makes up for nothing
    assert "| The core | 199 | 200 | 99 | 10 | 10 |" in text
    assert "| All the rest | 0 | 14 | 0 | | |" in text
    assert "| all | 199 | 214 | 92 | 10 | 10 |" in text
    assert "`twisted.test.test_rest` has not been run." in text
    assert "<details" not in text


def test_each_test_that_does_not_pass_has_its_reason() -> None:
    entry = Entry(
        196,
        tests={
            "T.test_a": Reason(NOT_YET, "TypeError: <lambda>"),
            "T.test_b": Reason(PRIVATE, "looks at _heap", by_hand=True),
            "T.test_c": Reason(SKIPPED, "no GTK"),
            "T.test_d": Reason(CHANGED, "there is one reactor", by_hand=True),
        },
        unstable={"T.test_e": "depends on the load"},
    )
    text = page.render(LIST, {"twisted.test.test_core": entry})
    assert (
        "<details open><summary><code>twisted.test.test_core</code>: 3 not passed, 1 skipped, 1 unstable</summary>\n"
        "<ul>\n"
        "<li><code>T.test_b</code>. private: looks at _heap</li>\n"
        "<li><code>T.test_d</code>. changed: there is one reactor</li>\n"
        "<li><code>T.test_a</code>. not yet: TypeError: &lt;lambda&gt;</li>\n"
        "<li><code>T.test_c</code>. skipped: no GTK</li>\n"
        "<li><code>T.test_e</code>. unstable: depends on the load</li>\n"
        "</ul>\n</details>\n"
    ) in text


def test_a_long_list_is_folded() -> None:
    tests = {f"T.test_{number}": Reason(NOT_YET, "x") for number in range(page.LONG + 1)}
    assert "<details><summary>" in page.render(LIST, {"twisted.test.test_core": Entry(1, tests=tests)})


def test_a_module_that_cannot_be_imported_is_one_line() -> None:
    text = page.render(LIST, {"twisted.test.test_rest": Entry(0, Reason(NOT_YET, "ImportError: a & b"))})
    assert "<p><code>twisted.test.test_rest</code> cannot be imported. not yet: ImportError: a &amp; b</p>\n" in text
