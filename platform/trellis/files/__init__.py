"""Files: what is kept of them, who may have them, and when they go."""
