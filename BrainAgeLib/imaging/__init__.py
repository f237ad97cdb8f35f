"""From a file to slices in template space."""
