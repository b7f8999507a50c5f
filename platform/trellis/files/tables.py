"""What is known of stored files, and which records hold them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from metadata.fields.files import FileFacts
from rule_engine.columns import Instant
from trellis.db import SYSTEM_TABLES

stored_file = sa.Table(
    "stored_file",
    SYSTEM_TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("thumbnail", sa.Text),
    sa.Column("thumbnail_media_type", sa.Text),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("media_type", sa.Text, nullable=False),
    sa.Column("is_picture", sa.Boolean, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("uploaded_by", sa.Text, nullable=False),
    sa.Column("uploaded_at", Instant, nullable=False),
    sa.Index("stored_file_sha256", "sha256"),
    sa.Index("stored_file_thumbnail", "thumbnail"),
    sa.Index("stored_file_uploaded_at", "uploaded_at"),
)
"""`is_picture` tells files that were re-encoded here; `sha256` is the address of the content."""

file_use = sa.Table(
    "file_use",
    SYSTEM_TABLES,
    sa.Column("file", sa.Text, sa.ForeignKey("stored_file.id"), primary_key=True),
    sa.Column("object", sa.Text, primary_key=True),
    sa.Column("record_id", sa.Text, primary_key=True),
    sa.Column("field", sa.Text, primary_key=True),
    sa.Column("left_at", Instant),
)
"""Where files are, by element ids: where to look, never a right. `left_at` says since when a file
has not been in a field any more. The foreign key keeps a file that is being attached from going."""


def facts_of(row: sa.RowMapping | Mapping[str, Any]) -> FileFacts:
    """Gives what a field keeps of a stored file."""
    return FileFacts(row["id"], row["name"], row["media_type"], row["size"])
