"""The parts of `lockdeck cancel`."""
