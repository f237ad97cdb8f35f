"""The gate: whether a scan can carry a number."""
