"""Files to a scan: reading, geometry, the brain in it."""
