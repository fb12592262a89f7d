"""The words and the JSON of `lockdeck replay`."""
