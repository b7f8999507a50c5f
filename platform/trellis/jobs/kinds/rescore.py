"""Bringing the scores of one object up to date."""

from trellis.scoring.keeping_up import KIND

__all__ = ["KIND"]
