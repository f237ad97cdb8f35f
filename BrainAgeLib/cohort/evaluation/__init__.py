"""How good predictions of healthy people are."""
