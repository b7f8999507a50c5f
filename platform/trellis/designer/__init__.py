"""Drafts, plans and publishing of definitions, shared by the meta API and the designer pages."""
