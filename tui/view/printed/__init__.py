"""What the command line prints of a fleet, in all its formats. All pure."""
