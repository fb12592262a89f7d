"""The pictures in the manual are those of this version."""

from __future__ import annotations

import pytest

from tests.tui.film import SCENES, film
from tests.tui.pictures import DOCS, PICTURES, picture


@pytest.mark.parametrize("name", PICTURES)
async def test_the_picture_is_up_to_date(name: str) -> None:
    assert await picture(name) == (DOCS / f"{name}.svg").read_text(encoding="utf-8"), "run `make pictures`"


async def test_the_picture_that_moves_is_up_to_date_small_and_tells_the_whole_story() -> None:
    seen = await film()
    assert seen == (DOCS / "outage.svg").read_text(encoding="utf-8"), "run `make pictures`"
    assert len(seen.encode()) < 600_000
    assert seen.count('<g class="still') == len(SCENES) + 1
    for words in ("answers nobody", "Release", "ESRCH", "Cancel", "left&#160;its&#160;lock"):
        assert words in seen or words.replace(" ", "&#160;") in seen, words
