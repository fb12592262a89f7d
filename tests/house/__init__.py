"""Figures of the code itself, each with a goal (`make house`)."""
