"""The same score in other engines, measured in an environment of their own."""
