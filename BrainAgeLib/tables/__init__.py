"""Tables of people as they are saved: separators and encodings, ages and sexes, who is who."""
