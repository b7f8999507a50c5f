"""The checker: from the parsed tree to core nodes and programs, against a schema."""
