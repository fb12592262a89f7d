"""The command line: one file a command. Textual is never imported here."""
