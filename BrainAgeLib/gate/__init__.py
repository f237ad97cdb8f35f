"""What is measured on a scan, and what is refused or warned of."""
