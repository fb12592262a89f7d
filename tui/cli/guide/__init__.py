"""What teaches the command line: examples and exit codes of each command, its man pages, and words to complete with."""
