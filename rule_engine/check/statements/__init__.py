"""Checks of statements: one module for each kind, from the tree to program definitions."""
