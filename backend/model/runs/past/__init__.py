"""What logs of the past tell beside runs and attempts."""
