"""The collection of the tables that definitions and their indexes are kept in."""

from __future__ import annotations

import sqlalchemy as sa

STORE = sa.MetaData()
