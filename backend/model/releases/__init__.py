"""What differs by OpenClaw release: the one place that names a release and compares versions."""
