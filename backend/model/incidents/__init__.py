"""What several sessions have in common: the cause of their trouble, claimed only where more than one of them shows it."""
