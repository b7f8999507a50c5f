"""The scan for duplicates of one object."""

from trellis.duplicates.scan import KIND

__all__ = ["KIND"]
