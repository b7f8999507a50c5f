"""Scores beyond the save: brought up to date, foreseen, tried on outcomes, run in the shadow."""
