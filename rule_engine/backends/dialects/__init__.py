"""How SQLite and PostgreSQL say what the language means."""
