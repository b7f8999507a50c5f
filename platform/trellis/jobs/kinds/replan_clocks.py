"""Planning open clocks of service levels anew."""

from trellis.service_levels.job import KIND

__all__ = ["KIND"]
