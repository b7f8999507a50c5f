"""Requests that this installation sends to addresses that people typed in."""
