"""Stills of the dashboard as SVG that need nothing from elsewhere."""

from __future__ import annotations

import re


def standing_alone(svg: str) -> str:
    """Return a picture without references to fonts elsewhere, its blanks kept."""
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    # Blanks at the edges of a text would be dropped by some viewers.
    return svg.replace("<svg ", '<svg xml:space="preserve" ', 1)
