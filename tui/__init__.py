"""The terminal half of lockdeck."""
