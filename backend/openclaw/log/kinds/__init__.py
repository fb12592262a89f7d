"""All kinds of log lines that concern us, in one table.

A line of a future release is one more entry in one of these files: its markers, its pattern and reader, and the
event that it becomes. Markers of the scan, order, sentences and counts follow from the table and from the event.
"""

from lockdeck.backend.openclaw.log.kinds import attempts, decisions, gateways, sessions
from lockdeck.backend.openclaw.log.kinds.table import KindTable

KINDS = KindTable((*attempts.KINDS, *decisions.KINDS, *sessions.KINDS, *gateways.KINDS, sessions.QUOTED))
