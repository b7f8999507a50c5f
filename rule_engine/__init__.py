"""The rule language of Trellis. Knows no CRM, no web and no database session."""

__product__ = "trellis"
