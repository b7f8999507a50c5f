"""The built-in field types, one module each, found by listing."""
