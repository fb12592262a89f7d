"""The figures of the code notice what they are there for."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from tests.house.circles import circles
from tests.house.reach import unreached
from tests.house.repeats import repeats
from tests.house.sizes import largest_folder, long_functions
from tests.house.sources import Source
from tests.house.words import empty_words, shared_class_names


def module(path: str, text: str = "") -> Source:
    return Source(Path(path), dedent(text))


def test_modules_are_counted_a_folder_without_its_init() -> None:
    figure = largest_folder([module("tui/a.py"), module("tui/b.py"), module("tui/__init__.py")])
    assert figure.value == 2


def test_a_function_of_forty_one_lines_is_too_long() -> None:
    longest = "def f():\n" + "    pass\n" * 39
    assert long_functions([module("tui/a.py", longest)]).value == 0
    assert long_functions([module("tui/a.py", longest + "    pass\n")]).value == 1


def test_an_import_for_types_closes_a_circle_that_does_not_exist_at_run_time() -> None:
    types_only = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from lockdeck.tui.a import X\n"
    sources = [module("tui/a.py", "import lockdeck.tui.b"), module("tui/b.py", types_only)]
    assert [figure.value for figure in circles(sources)] == [2, 0]
    sources[1] = module("tui/b.py", "from lockdeck.tui import a")
    assert [figure.value for figure in circles(sources)] == [2, 2]


def test_names_and_parameters_are_counted_without_their_underscores() -> None:
    figure = empty_words([module("tui/a.py", "def f(self, told, _): _found = told_off = 1")])
    assert figure.details[0] == "2 of 3 names"


def test_a_class_name_belongs_to_one_class() -> None:
    assert (
        shared_class_names([module("tui/a.py", "class A: ..."), module("tui/b.py", "class A: ...")]).value
        == 1
    )


def test_equal_lines_are_one_pair_however_many_there_are() -> None:
    lines = "".join(f"call({number})\n" for number in range(20))
    assert repeats([module("tui/a.py", lines), module("tui/b.py", "\n# words\n" + lines)]).value == 1


def test_code_that_only_tests_call_is_listed_with_what_only_it_calls() -> None:
    code = """
        LIMIT = 3
        def entry(): return Used().method()
        def only_tested(): return helper() + LIMIT
        def helper(): return 1
        class Used:
            def method(self): return 1
            def extra(self): return 2
        """
    entry = module("lockdeck/__main__.py", "from lockdeck.tui.a import entry\nentry()")
    tests = module("tests/test_a.py", "from lockdeck.tui.a import only_tested\nonly_tested()")
    figure = unreached([entry, module("tui/a.py", code)], [tests], {"lockdeck.__main__"})
    assert sorted(line.split(maxsplit=1)[1] for line in figure.details[1:]) == [
        "LIMIT (nothing)",
        "extra (nothing)",
        "helper (nothing)",
        "only_tested (tests only)",
    ]
