"""Backups: one file that holds an instance without its secrets, and the way back.

The file is a zip archive. `manifest.json`, written last, says what it is and what the rest has to
be; `database` is SQLite's file or what `pg_dump` wrote in its custom format; `uploads/ab/cdef…`
are the contents of stored files under their addresses; `audit/heads.jsonl` are the signed heads.
Keys are never in it: they are kept in another place, or who finds the file can read everything.
"""
