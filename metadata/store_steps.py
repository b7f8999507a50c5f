"""What an older database needs besides new tables, columns and indexes: rows that move.

`metadata.store.create_store` says when to add a step here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import sqlalchemy as sa

Step = Callable[[sa.Connection], None]

STEPS: Final[tuple[Step, ...]] = ()
"""In the order in which they came; `meta_version.store` counts those that are done. A step is
never changed or taken out again, and describes the tables as they were then by itself
(`sa.table`), since those of `metadata.store` move on."""
