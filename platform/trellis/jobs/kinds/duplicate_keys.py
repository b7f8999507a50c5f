"""Making the keys anew by which duplicates are found."""

from trellis.duplicates.filling import KIND

__all__ = ["KIND"]
