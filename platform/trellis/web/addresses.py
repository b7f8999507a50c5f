"""Addresses of pages, written by hand: lists have hundreds and `url_for` is slow for that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

APPROVALS: Final = "/approvals"
"""Where what waits for somebody to decide is."""


def list_address(object_name: str) -> str:
    """Gives the address of an object's list."""
    return f"/o/{quote(object_name)}/"


def record_address(object_name: str, record_id: str) -> str:
    """Gives the address of a record."""
    return f"/o/{quote(object_name)}/{quote(record_id)}"


def new_address(object_name: str, given: Mapping[str, str] | None = None) -> str:
    """Gives the address of the form for a new record; `given` fills fields."""
    return with_query(f"/o/{quote(object_name)}/new", given or {})


def import_address(object_name: str) -> str:
    """Gives the address at which a file is imported into an object."""
    return f"/o/{quote(object_name)}/import"


def export_address(object_name: str) -> str:
    """Gives the address at which records are exported."""
    return f"/o/{quote(object_name)}/export"


def with_query(address: str, values: Mapping[str, str | None]) -> str:
    """Gives an address with what is not empty as its query."""
    query = urlencode({name: value for name, value in values.items() if value})
    return f"{address}?{query}" if query else address
