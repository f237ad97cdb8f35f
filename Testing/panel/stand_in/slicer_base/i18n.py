"""Texts as they are."""

from offscreen import tr, translate

__all__ = ["tr", "translate"]
