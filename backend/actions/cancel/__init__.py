"""End the run that holds a session: plan, ladder, call, verify, end, restart."""
