"""Figures about tables of ages: arithmetic on arrays, no images, no networks."""
