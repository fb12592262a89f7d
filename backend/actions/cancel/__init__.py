"""Cancel the run that holds a session; `cancel.py` is the order of its acts."""
