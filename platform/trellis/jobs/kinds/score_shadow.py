"""Computing a drafted score beside the one in force."""

from trellis.scoring.shadows import KIND

__all__ = ["KIND"]
