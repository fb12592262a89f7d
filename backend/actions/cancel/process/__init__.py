"""The process that runs what is to be cancelled: what proves it, how it is ended, and what remains then."""
