"""Background work over Redis: wake-ups and tasks. The database owns what has to be done."""
