"""Webhooks: addresses that are told of changes, and addresses that others tell us at."""
