"""The way to Redis: queues, and waking a worker after a commit."""

from __future__ import annotations

import logging
import threading
import time

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

logger = logging.getLogger(__name__)

EFFECTS = "effects"

CONNECT_SECONDS = 0.5
ANSWER_SECONDS = 2.0
# While Redis is away, requests do not wait for it again before this time has gone.
PAUSE_SECONDS = 5.0


def connect(redis_url: str, *, for_worker: bool = False) -> Redis:
    """Gives a client of a Redis or Valkey server; a worker's waits as long as it takes."""
    if for_worker:
        return Redis.from_url(redis_url, socket_connect_timeout=CONNECT_SECONDS)
    return Redis.from_url(
        redis_url, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=ANSWER_SECONDS
    )


def open_queue(connection: Redis, name: str) -> Queue:
    """Gives a queue whose jobs are JSON."""
    return Queue(name, connection=connection, serializer=JSONSerializer)


class WakeUps:
    """Tells a worker that the outbox holds something. Losing a wake-up costs latency only."""

    def __init__(self, redis_url: str | None) -> None:
        self._redis = connect(redis_url) if redis_url else None
        self._quiet_until = 0.0
        self._lock = threading.Lock()

    def wake(self) -> None:
        """Queues one `dispatch`, unless one is waiting already. Never raises for Redis' sake."""
        if self._redis is None or time.monotonic() < self._quiet_until:
            return
        try:
            queue = open_queue(self._redis, EFFECTS)
            # A waiting dispatch begins after our commit and finds our row; a running one may not.
            if queue.count == 0:
                queue.enqueue("dispatch", result_ttl=0, failure_ttl=3600, description="dispatch")
        except (RedisError, OSError) as error:
            with self._lock:
                self._quiet_until = time.monotonic() + PAUSE_SECONDS
            logger.warning("Redis is away, the worker will find the outbox by polling: %s", error)

    def answers(self) -> bool:
        """Says whether Redis answers now; False without one."""
        if self._redis is None:
            return False
        try:
            return bool(self._redis.ping())
        except (RedisError, OSError):
            return False

    def close(self) -> None:
        """Closes the connections."""
        if self._redis is not None:
            self._redis.close()
