"""Fields: their types, an open family, and the definitions types work on."""
