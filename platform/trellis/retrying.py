"""Trying again what the database broke off for the sake of others: deadlocks, locks not to be had.

A transaction can only be repeated whole, so what is tried again begins its own.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa

from metadata.locks import Busy, is_broken_off

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

MAX_TRIES = 4
PAUSE_SECONDS = 0.05
# Waiting for locks takes most of it; nothing is begun again after this.
PATIENCE_SECONDS = 6.0


def again(work: Callable[[], Answer], *, may_repeat: Callable[[], bool] = lambda: True) -> Answer:
    """Gives what `work` gives, which is called again while the database breaks it off.

    Raises Busy when that goes on, or `may_repeat` says that part of the work has been done.
    """
    end = time.monotonic() + PATIENCE_SECONDS
    number = 1
    while True:
        try:
            return work()
        except (Busy, sa.exc.DBAPIError) as error:
            if not is_broken_off(error):
                raise
            if number == MAX_TRIES or time.monotonic() > end or not may_repeat():
                if isinstance(error, Busy):
                    raise
                raise Busy from error
            logger.info("broken off by the database, try %d: %s", number, type(error).__name__)
        # Who met must not meet again.
        time.sleep(random.uniform(0.5, 1.5) * PAUSE_SECONDS * 2**number)  # noqa: S311  # no secret
        number += 1
