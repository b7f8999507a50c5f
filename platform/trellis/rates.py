"""How often somebody may call the API and try to log in, counted for all processes together.

When the counter cannot be reached the API stays open, and nobody can log in.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from flask import Flask, g, request
from limits.errors import StorageError
from limits.storage import Storage, storage_from_string
from werkzeug.exceptions import ServiceUnavailable, TooManyRequests
from werkzeug.wrappers import Response as BaseResponse

from metadata.problems import Problem
from trellis import current
from trellis.config import Settings
from trellis.faults import answer
from trellis.security.login_body import read_login

logger = logging.getLogger(__name__)

API: Final = "/api/"
WINDOW_SECONDS: Final = 60
# One address may stand for a whole office.
CALLERS_PER_ADDRESS: Final = 10
# So many calls are counted at a time, as a part of what is allowed: each counting is a round trip.
PARTS: Final = 100
REDIS_SECONDS: Final = 0.5
PAUSE_SECONDS: Final = 5
MAX_LEASES: Final = 20_000
API_LOGIN: Final = "SecurityApi.login"
LOGINS: Final = frozenset({"LoginView.login", API_LOGIN})


class CounterAwayError(Exception):
    """The counter cannot be reached."""


@dataclass(slots=True)
class Lease:
    """What a process has counted ahead for somebody in one window; `is_last` when no more is
    to be had in it."""

    window: int
    left: int
    is_last: bool = False


class Counter:
    """Counts in windows of a minute; thread-safe."""

    def __init__(self, storage: Storage, clock: Callable[[], float] = time.time) -> None:
        self._storage = storage
        self._clock = clock
        self._leases: dict[str, Lease] = {}
        self._lock = threading.Lock()
        self._away_until = 0.0

    def add(self, name: str, amount: int = 1) -> int:
        """Adds to what is counted under a name in this window; gives the sum.

        Raises CounterAwayError, for some seconds without trying.
        """
        now = self._clock()
        if now < self._away_until:
            raise CounterAwayError
        try:
            key = f"{name}/{self._window()}"
            return self._storage.incr(key, 2 * WINDOW_SECONDS, amount=amount)
        except StorageError as error:
            self._away_until = now + PAUSE_SECONDS
            logger.warning("what counts calls is away: %s", error)
            raise CounterAwayError from error

    def takes(self, name: str, limit: int) -> bool:
        """Counts one call; False when there were `limit` of them in this window already.

        Parts of the limit are counted ahead, so that few calls ask the counter.
        """
        window = self._window()
        with self._lock:
            lease = self._leases.get(name)
            if lease is not None and lease.window == window:
                if lease.left:
                    lease.left -= 1
                    return True
                if lease.is_last:
                    return False
        part = max(1, limit // PARTS)
        over = max(0, self.add(name, part) - limit)
        fits = max(0, part - over)
        with self._lock:
            if len(self._leases) > MAX_LEASES:
                self._leases.clear()
            lease = self._leases.get(name)
            more = lease.left if lease is not None and lease.window == window else 0
            self._leases[name] = Lease(window, more + max(0, fits - 1), is_last=over > 0)
        return fits > 0

    def wait(self) -> int:
        """Gives the seconds until the next window."""
        return WINDOW_SECONDS - int(self._clock()) % WINDOW_SECONDS

    def _window(self) -> int:
        return int(self._clock()) // WINDOW_SECONDS


def make_storage(redis_url: str | None) -> Storage:
    """Gives where is counted: in Redis for all processes together, else in this one's memory."""
    if redis_url is None:
        return storage_from_string("memory://", wrap_exceptions=True)  # type: ignore[return-value]  # the library also offers asynchronous ones
    url = f"redis+{redis_url}" if redis_url.startswith("unix://") else redis_url
    return storage_from_string(  # type: ignore[return-value]  # as above
        url,
        wrap_exceptions=True,
        key_prefix="trellis",
        socket_timeout=REDIS_SECONDS,
        socket_connect_timeout=REDIS_SECONDS,
    )


def install_rates(app: Flask, settings: Settings) -> None:
    """Has calls of the API and tries to log in counted."""
    counter = Counter(make_storage(settings.redis_url))
    app.extensions["trellis_rates"] = counter
    app.before_request(lambda: refuse_login(counter, settings.login_rate))
    app.before_request(lambda: refuse_call(counter, settings.api_rate))


def refuse_call(counter: Counter, limit: int) -> BaseResponse | None:
    """Answers 429 to who calls the API too often; 0 is no limit."""
    if not limit or not request.path.startswith(API) or request.endpoint in LOGINS:
        return None
    account = current.account()
    wanted = {f"address/{request.remote_addr}": limit * CALLERS_PER_ADDRESS}
    if account is not None:
        wanted[f"caller/{account.id}"] = limit
    try:
        fits = all(counter.takes(name, most) for name, most in wanted.items())
    except CounterAwayError:
        return None
    if fits:
        return None
    return refusal(TooManyRequests, "too_many_calls", {"limit": limit}, counter.wait())


def refuse_login(counter: Counter, limit: int) -> BaseResponse | None:
    """Answers 429 to too many tries to log in as somebody or from an address, 503 when they
    cannot be counted."""
    if not limit or request.method != "POST" or request.endpoint not in LOGINS:
        return None
    g.login_tries = login_names()
    try:
        tries = [counter.add(name) for name in g.login_tries]
    except CounterAwayError:
        return refusal(ServiceUnavailable, "login_closed", {}, PAUSE_SECONDS)
    if max(tries) <= limit:
        return None
    return refusal(TooManyRequests, "too_many_logins", {"limit": limit}, counter.wait())


def forgive_login(app: Flask) -> None:
    """Takes a try that came to a login out of the count."""
    counter: Counter = app.extensions["trellis_rates"]
    try:
        for name in g.pop("login_tries", ()):
            counter.add(name, -1)
    except CounterAwayError:
        return


def login_names() -> tuple[str, str]:
    """Gives under which names a try to log in is counted: the user name's, and the address's."""
    body = read_login()[0] if request.endpoint == API_LOGIN else request.form
    name = body.get("username") if isinstance(body, Mapping) else None
    digest = hashlib.sha256(str(name).strip().casefold().encode("utf-8", "replace")).hexdigest()
    return f"login/{digest[:32]}", f"login/{request.remote_addr}"


def refusal(
    kind: type[TooManyRequests | ServiceUnavailable],
    code: str,
    values: Mapping[str, object],
    seconds: int,
) -> BaseResponse:
    """Gives an answer that says when to ask again."""
    problem = Problem("", code, {**values, "seconds": seconds})
    return answer(kind(retry_after=seconds), [problem])
