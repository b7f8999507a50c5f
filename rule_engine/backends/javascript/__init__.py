"""Checked expressions as JavaScript: see `compiler`. The run-time library is the front end's."""
