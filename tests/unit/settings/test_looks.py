"""How the tables were left is kept, and nothing of it is lost: neither by two dashboards, nor by a broken file."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lockdeck.backend.settings.looks import (
    Looks,
    LooksError,
    TableLook,
    ThemeChoice,
    change_looks,
    looks_path,
    read_looks,
    set_aside,
)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "state" / "deck.json")


def test_what_was_kept_is_read_back_and_only_its_owner_can_read_it(path: str) -> None:
    look = TableLook("occupied", True, 'agent:juno "a b"', ("state", "agent"), ("agent",))
    change_looks(
        path, lambda looks: replace(looks.with_table("fleet", look), theme=ThemeChoice("light", "dark"))
    )
    assert read_looks(path) == Looks(ThemeChoice("light", "dark"), {"fleet": look})
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert os.stat(os.path.dirname(path)).st_mode & 0o777 == 0o700
    change_looks(path, lambda looks: looks.with_table("fleet", TableLook()))
    assert read_looks(path).tables == {}


def test_where_nothing_is_kept_nothing_is_read_and_nothing_made(path: str) -> None:
    assert read_looks(path) == Looks()
    change_looks(path, lambda looks: looks)
    assert not os.path.exists(path)


@given(
    st.dictionaries(
        st.text(max_size=5),
        st.builds(TableLook, st.none() | st.text(max_size=9), filter=st.text(max_size=9)),
        max_size=4,
    )
)
def test_of_any_looks_the_last_one_of_a_table_counts(tables: dict[str, TableLook]) -> None:
    looks = Looks()
    for name, look in (*((name, TableLook("old")) for name in tables), *tables.items()):
        looks = looks.with_table(name, look)
    assert {name: looks.of(name) for name in tables} == tables


def test_changes_at_the_same_time_lose_nothing(path: str) -> None:
    def change(number: int) -> None:
        change_looks(path, lambda looks: looks.with_table(f"table{number}", TableLook(filter=str(number))))

    threads = [threading.Thread(target=change, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: look.filter for name, look in read_looks(path).tables.items()} == {
        f"table{number}": str(number) for number in range(12)
    }
    assert os.listdir(os.path.dirname(path)) == ["deck.json"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"tables": 3}', '{"tables": {"fleet": {"sort": 1}}}', "\xff"]
)
def test_a_broken_file_is_no_reason_to_lose_it(path: str, text: str) -> None:
    change_looks(path, lambda looks: looks.with_table("fleet", TableLook(filter="x")))
    Path(path).write_text(text, encoding="latin-1")
    with pytest.raises(LooksError, match=r"deck\.json is broken") as caught:
        read_looks(path)
    assert caught.value.broken
    with pytest.raises(LooksError):
        change_looks(path, lambda looks: looks.with_table("fleet", TableLook(filter="y")))
    beside = set_aside(path)
    assert Path(beside).read_text(encoding="latin-1") == text
    assert read_looks(path) == Looks()


def test_what_another_could_have_written_is_neither_read_nor_written_over(path: str) -> None:
    change_looks(path, lambda looks: looks.with_table("fleet", TableLook(filter="x")))
    os.chmod(path, 0o666)
    before = Path(path).read_text()
    for use in (
        read_looks,
        lambda path: change_looks(path, lambda looks: looks.with_table("fleet", TableLook())),
    ):
        with pytest.raises(LooksError, match="is not used") as caught:
            use(path)
        assert not caught.value.broken
    assert Path(path).read_text() == before


def test_a_link_is_not_followed(path: str, tmp_path: Path) -> None:
    change_looks(path, lambda looks: looks.with_table("fleet", TableLook(filter="x")))
    os.rename(path, tmp_path / "elsewhere.json")
    os.symlink(tmp_path / "elsewhere.json", path)
    with pytest.raises(LooksError):
        read_looks(path)


def test_it_lies_beside_the_journal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOCKDECK_STATE_DIR", str(tmp_path))
    assert looks_path() == str(tmp_path / "deck.json")
