"""The bytes of logs: which files are meant, in what order, and how they are opened and unpacked."""
