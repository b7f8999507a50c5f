"""What is kept of scores beside the records: runs over all of them, what these changed, shadows.

Points are kept as whole numbers of the last place that the field keeps (`places`), on both
databases alike: 12.5 with one place is 125.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa
import uuid_utils

from metadata.objects import ObjectDefinition
from rule_engine.arithmetic import EXACT
from rule_engine.columns import Instant, Scaled
from trellis.db import SYSTEM_TABLES

RULES, TIME, ASKED, DATA = "rules", "time", "asked", "data"
SHADOW: Final = "score_shadow"
"""The name of the job that computes a shadow."""
CAUSES: Final = (RULES, TIME, ASKED, DATA)
"""Why a score was computed anew: other rules are in force, a night has passed, somebody asked for
it, or what it looks at in other records has changed; that run is of those records alone."""

score_run = sa.Table(
    "score_run",
    SYSTEM_TABLES,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("score", sa.Text, nullable=False),
    sa.Column("field", sa.Text, nullable=False),
    sa.Column("grade_field", sa.Text),
    sa.Column("places", sa.Integer, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("definitions", sa.Integer, nullable=False),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("ended_at", Instant),
    sa.Column("changed", sa.BigInteger, nullable=False),
    sa.Column("refused", sa.BigInteger, nullable=False),
    sa.Column("by_record", sa.Text),
    sa.Index("score_run_of_score", "object", "score", "id"),
)
"""One computing of a score for all records. `object`, `field` and `grade_field` are ids; `digest`
stands for the rules, `definitions` is their version. `by_record` says why the database could not
do it."""

score_change = sa.Table(
    "score_change",
    SYSTEM_TABLES,
    sa.Column("record_id", sa.Text, primary_key=True),
    sa.Column("run", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("was_points", sa.BigInteger),
    sa.Column("was_grade", sa.Text),
    sa.Column("points", sa.BigInteger),
    sa.Column("grade", sa.Text),
    sa.Column("version", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""What a run changed in records, each of a `version`; what a save changes is in their history.

No foreign keys here: to check each of a million rows takes as long as to write it."""

score_shadow = sa.Table(
    "score_shadow",
    SYSTEM_TABLES,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("score", sa.Text, nullable=False),
    sa.Column("places", sa.Integer, nullable=False),
    sa.Column("rules", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("since", Instant, nullable=False),
    sa.Column("computed_at", Instant),
    sa.Column("ended_at", Instant),
    sa.Index("score_shadow_of_score", "object", "score", "id"),
)
"""A draft of a score that is computed beside the one in force, without anybody being affected;
`rules` is the digest of the kept texts. At most one of a score has not ended."""

score_shadow_point = sa.Table(
    "score_shadow_point",
    SYSTEM_TABLES,
    sa.Column("shadow", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("record_id", sa.Text, primary_key=True),
    sa.Column("points", sa.BigInteger, nullable=False),
    sa.Column("grade", sa.Text),
    sa.Column("live_points", sa.BigInteger),
    sa.Column("live_grade", sa.Text),
    sqlite_with_rowid=False,
)
"""What a shadow gave to a record, and what the score in force had given it then: the last ones
from before the record was won or lost."""


def new_id() -> int:
    """Gives an id that is greater than those of earlier milliseconds, and fits a BIGINT."""
    return uuid_utils.uuid7().int >> 65


def places_of(definition: ObjectDefinition, name: str) -> int:
    """Gives how many places behind the point a field of points keeps."""
    field = definition.fields[name]
    column = field.type.storage(field)
    return column.scale if isinstance(column, Scaled) else 0


def units(element: sa.ColumnElement[Any], places: int, dialect: str) -> sa.ColumnElement[int]:
    """Gives points out of a field's column as they are kept here."""
    if dialect == "sqlite":
        return sa.type_coerce(element, sa.BigInteger())
    whole = element if places == 0 else element * sa.literal_column(str(10**places))
    return sa.cast(whole, sa.BigInteger())


def stored_units(
    element: sa.ColumnElement[int], places: int, dialect: str
) -> sa.ColumnElement[Any]:
    """Gives what a field's column keeps out of points as they are kept here."""
    if dialect == "sqlite" or places == 0:
        return element
    return element * sa.literal_column(f"1E-{places}")


def points_of(kept: int | None, places: int) -> Decimal | None:
    """Gives points out of what is kept here; None for none."""
    return None if kept is None else scaled(kept, places)


def scaled(kept: int, places: int) -> Decimal:
    """Gives points out of what is kept here."""
    return Decimal(kept).scaleb(-places, EXACT)


def kept_points(points: object, places: int) -> int | None:
    """Gives points as they are kept here, exactly."""
    return None if points is None else int(Decimal(str(points)).scaleb(places, EXACT))
