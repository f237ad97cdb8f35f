"""The same person again: what changed between scans of different dates."""
