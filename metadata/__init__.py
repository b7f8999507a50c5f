"""The metadata engine: JSON definitions to tables, forms, serialisers, rights and migrations."""
