"""lockdeck: the terminal operations deck for OpenClaw agent fleets.

All that an installed lockdeck owns is this name. In the repository `backend`, `tui` and `themes` are links to the
folders beside this one; in a wheel they are inside it.
"""

__version__ = "0.2.0"
