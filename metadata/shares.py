"""Records that were shared by hand: who got what level until when."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from metadata.ddl import TEXT
from metadata.stored_tables import STORE
from rule_engine.columns import Instant

READ, UPDATE = "read", "update"
LEVELS: Final = (READ, UPDATE)
"""What a record may be shared for; the higher level includes the lower one."""

USER, TEAM = "user", "team"

RECORD_SHARE = sa.Table(
    "record_share",
    STORE,
    sa.Column("id", TEXT, primary_key=True),
    sa.Column("object", TEXT, nullable=False, comment="the stable id of the object"),
    sa.Column("record_id", TEXT, nullable=False),
    sa.Column("kind", TEXT, nullable=False, comment="user or team"),
    sa.Column("grantee", TEXT, nullable=False),
    sa.Column("level", TEXT, nullable=False),
    sa.Column("until", Instant(), comment="empty: until it is taken back"),
    sa.Column("by", TEXT, nullable=False),
    sa.Column("at", Instant(), nullable=False),
    sa.Column("why", TEXT),
    sa.Index("ux_record_share", "object", "record_id", "grantee", unique=True),
    sa.Index("ix_record_share_grantee", "grantee", "object", "record_id"),
)


def in_force(share: sa.FromClause) -> sa.ColumnElement[bool]:
    """Gives the condition that a share has not run out; the moment is the parameter `now`."""
    now = sa.bindparam("now", type_=Instant())
    return sa.or_(share.c.until.is_(None), share.c.until > now)


def shared_records(
    object_id: str, action: str, grantees: sa.ColumnElement[bool], share: sa.FromClause
) -> sa.Select[tuple[str]]:
    """Gives the ids of an object's records that are shared for an action; `grantees` is the
    condition on with whom."""
    conditions = [share.c.object == object_id, grantees, in_force(share)]
    if action == UPDATE:
        conditions.append(share.c.level == UPDATE)
    return sa.select(share.c.record_id).where(*conditions)
