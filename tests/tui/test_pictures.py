"""The pictures in the manual are those of this version."""

from __future__ import annotations

import pytest

from tests.tui.pictures import DOCS, PICTURES, picture


@pytest.mark.parametrize("name", PICTURES)
async def test_the_picture_is_up_to_date(name: str) -> None:
    assert await picture(name) == (DOCS / f"{name}.svg").read_text(encoding="utf-8"), "run `make pictures`"
