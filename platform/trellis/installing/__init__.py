"""Packages at work: where they come from, what installing or removing one would do, and doing it.

Shared by the command line, the API and the pages.
"""
