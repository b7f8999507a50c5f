"""Computed fields: formulas, roll-ups and fields of other records, virtual or stored."""
