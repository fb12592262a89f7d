"""The pictures of the manual, made from the samples: `python -m tests.tui.pictures` writes them."""

from __future__ import annotations

import asyncio
import os
import re
import time
from pathlib import Path

from tests.tui.samples import incident
from tests.tui.stage import dashboard, show

DOCS = Path(__file__).parents[2] / "docs"
PICTURES = {"fleet": ((120, 22), ()), "session": ((120, 60), ("enter",))}


async def picture(name: str) -> str:
    """Return a picture as SVG, without references to fonts elsewhere."""
    size, keys = PICTURES[name]
    app = dashboard(theme="dark")
    async with app.run_test(size=size) as pilot:
        await show(pilot, incident())
        await pilot.press(*keys)
        await pilot.pause()
        svg = app.export_screenshot()
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    # Blanks at the edges of a text would be dropped by some viewers.
    return svg.replace("<svg ", '<svg xml:space="preserve" ', 1)


def main() -> None:
    """Write all pictures."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    DOCS.mkdir(exist_ok=True)
    for name in PICTURES:
        (DOCS / f"{name}.svg").write_text(asyncio.run(picture(name)), encoding="utf-8")


if __name__ == "__main__":
    main()
