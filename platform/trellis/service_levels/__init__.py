"""Service levels of many records: planned anew, measured before publishing, listed."""
