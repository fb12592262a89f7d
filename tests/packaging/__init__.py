"""What is handed out: wheel, source distribution and one-file program, each built, installed and started."""
