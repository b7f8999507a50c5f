"""The search index: texts as tokens, the same on both databases, one row per record."""
