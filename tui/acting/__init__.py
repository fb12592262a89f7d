"""Actions as the dashboard has them planned and done: by code of this machine, or asked of other hosts."""
