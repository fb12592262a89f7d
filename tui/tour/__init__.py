"""The tour of the demo: six steps, each with what to look at and which key to press."""
