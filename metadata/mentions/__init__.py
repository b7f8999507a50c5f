"""Where definitions name things, and giving these other names everywhere at once."""
