"""Importing and exporting: files of tables that become records, and records that become files."""
