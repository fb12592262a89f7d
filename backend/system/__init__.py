"""Knowledge of the operating system: processes, volumes, atomic exchange, safe text."""
