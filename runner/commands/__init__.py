"""What each command of `ebats` does."""
