"""The file formats that scans come in."""
