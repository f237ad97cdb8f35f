"""Many scans: batches, groups, change over time."""
