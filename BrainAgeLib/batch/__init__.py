"""Many scans: finding them, working on them, the table."""
