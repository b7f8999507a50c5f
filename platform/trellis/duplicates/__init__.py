"""Duplicates: found when records are made, listed by a scan, merged and taken apart again."""
