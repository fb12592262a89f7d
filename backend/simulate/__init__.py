"""The demo fleet: real processes, real lock files, real log lines. Start with `lockdeck.backend.simulate.fleet`."""
