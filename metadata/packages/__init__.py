"""Packages: reading, checking and installing them."""
