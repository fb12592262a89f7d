"""The headless half of lockdeck: facts about locks, runs and processes, and the actions on them."""
