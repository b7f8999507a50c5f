"""Somebody leaves: locked out at once, and what was hers goes to others by a rule."""
