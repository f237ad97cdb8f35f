"""The template, its grid, and how a scan comes onto it."""
