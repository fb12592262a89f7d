"""The parts of `lockdeck release`."""
