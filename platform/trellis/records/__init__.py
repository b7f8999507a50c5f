"""Use cases on records: every write of form, API, import and rule goes through here."""
