"""The parts of `lockdeck watch`."""
