"""Typed gateway events: what OpenClaw's log, transcripts and event stream tell about runs.

One class per kind of line; a field that a version does not write is None. Ids join events to sessions: `run_id`,
`session_id`, `session_key` (from `lane=session:<key>`), `trace_id` (one for each run, also on lines that name no
run; seen on 2026.7.35 and 2026.9.6) and lock paths; nothing is ever joined by guessing. A class declares itself
what follows from its events (`handling`, `sentence`, `take`): without one of these it does not type-check.
"""

from lockdeck.backend.model.runs.events.attempts import *  # noqa: F403 - this package is the list of all events
from lockdeck.backend.model.runs.events.base import *  # noqa: F403
from lockdeck.backend.model.runs.events.compactions import *  # noqa: F403
from lockdeck.backend.model.runs.events.decisions import *  # noqa: F403
from lockdeck.backend.model.runs.events.gateways import *  # noqa: F403
from lockdeck.backend.model.runs.events.refusals import *  # noqa: F403
from lockdeck.backend.model.runs.events.runs import *  # noqa: F403
from lockdeck.backend.model.runs.events.sessions import *  # noqa: F403
