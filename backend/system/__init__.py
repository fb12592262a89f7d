"""What the operating system knows: processes, volumes, atomic exchange, safe text."""
