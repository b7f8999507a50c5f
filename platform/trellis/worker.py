"""The worker: runs what the outbox and the queues hold until it is told to stop."""

from __future__ import annotations

import logging
import math
import signal
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq import SimpleWorker
from rq.registry import StartedJobRegistry
from rq.serializers import JSONSerializer

from metadata.access import AUTOMATION, SYSTEM
from trellis.actions import Performer
from trellis.audit.seals import seal
from trellis.audit.sequencer import sequence
from trellis.automation.clock import has_work, plan_rules
from trellis.automation.dispatcher import Dispatcher, database_now
from trellis.automation.runs import forget_runs
from trellis.automation.watch import has_wild, watch_rules
from trellis.calendar_years import untold_years, warn_of_years
from trellis.checkpoints import checkpoint
from trellis.config import Settings
from trellis.duplicates.filling import ask_for_keys
from trellis.files.cleanup import clean
from trellis.jobs.allowed import job_class
from trellis.jobs.queue import EFFECTS, connect, open_queue
from trellis.jobs.running_loop import JobRunner
from trellis.kept_answers import purge
from trellis.mail.postman import Postman
from trellis.net.outbound import Outbound
from trellis.records.sharing import forget_ended
from trellis.runtime import Platform, open_platform
from trellis.scoring.keeping_up import ask_for_scores
from trellis.scoring.past import forget_points
from trellis.security.open_sessions import forget_sessions
from trellis.service_levels.job import ask_for_plan
from trellis.supervising import Child, Fork, Supervisor
from trellis.transfer.exports import clean_exports
from trellis.transfer.imports import clean_imports
from trellis.upkeep import Indexer, build_indexes
from trellis.webhooks.cleanup import forget_messages
from trellis.webhooks.delivery import Courier
from trellis.webhooks.fan_out import fan_out
from trellis.webhooks.receiving import receive_due
from trellis.work import unit_for, writing_as

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0
# How late a clock is, and what follows from it, when nobody wakes us.
PROMPT_SECONDS = 0.4
SWEEP_SECONDS = 10.0
PURGE_SECONDS = 3600.0
INDEX_SECONDS = 5.0
# Batches of records that are indexed in one round: about a second.
SEARCH_BATCHES = 4
SEAL_SECONDS = 600.0
RETRY_SECONDS = 5.0
WATCH_SECONDS = 5.0
# RQ breaks a job off after 180 s; what is left then is the thread's that polls.
DISPATCH_SECONDS = 60.0
# RQ looks for abandoned jobs only when a worker wakes up, which follows from its time to live.
WORKER_TTL_SECONDS = 30
MAINTENANCE_SECONDS = 15
# A fork that cannot work ends sooner than this.
HEALTHY_SECONDS = 3.0


def make_dispatcher(platform: Platform, holder: str | None = None) -> Dispatcher:
    """Gives the dispatcher of an installation; its leases are in the name of `holder`."""
    zone = platform.settings.zone
    perform = Performer(platform.catalogs, platform.actions, platform.channels, zone)
    holder = holder or uuid.uuid4().hex
    return Dispatcher(platform.database, perform, is_quick=perform.is_quick, holder=holder)


def plan_due(platform: Platform) -> None:
    """Puts rules by the clock into the outbox that are due, or will be soon."""
    zone = platform.settings.zone
    with platform.database.read() as connection:
        catalog = platform.catalogs.current(connection)
        if not has_work(connection, catalog, database_now(connection), zone):
            return
    with platform.database.write() as connection:
        catalog, now = platform.catalogs.current(connection), database_now(connection)
        plan_rules(unit_for(platform, connection, catalog, AUTOMATION, now))


def watch_over(platform: Platform) -> None:
    """Puts rules that run wild into quarantine."""
    storm = platform.settings.rule_storm
    with platform.database.read() as connection:
        catalog = platform.catalogs.current(connection)
        unit = unit_for(platform, connection, catalog, SYSTEM, database_now(connection))
        if not has_wild(unit, storm):
            return
    with platform.database.write() as connection:
        catalog = platform.catalogs.current(connection)
        watch_rules(unit_for(platform, connection, catalog, SYSTEM), storm)


def watch_years(platform: Platform) -> None:
    """Tells administrators of calendars that lack the days of a year."""
    with platform.database.read() as connection:
        catalog = platform.catalogs.current(connection)
        if not untold_years(unit_for(platform, connection, catalog, SYSTEM)):
            return
    with writing_as(platform, SYSTEM) as unit:
        warn_of_years(unit)


@dataclass(slots=True)
class Every:
    """Calls something at most once in so many seconds."""

    seconds: float
    call: Callable[[], object]
    due: float = field(default=0.0)

    def tick(self) -> None:
        """Calls if it is time; what fails is logged and tried again next time."""
        now = time.monotonic()
        if now < self.due:
            return
        self.due = now + self.seconds
        try:
            self.call()
        except Exception:
            logger.exception("a round of the worker failed")


class QueueWorker(SimpleWorker):
    """RQ's worker, which takes the signals while it works and tells `stop` of them.

    Redis may go away at the same moment, and then RQ ends with that instead.
    """

    def __init__(self, *arguments: Any, stop: threading.Event, **options: Any) -> None:
        self.stop = stop
        super().__init__(*arguments, **options)

    def handle_warm_shutdown_request(self) -> None:
        """Notes that the work is to end."""
        self.stop.set()
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]  # RQ's own


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker process: RQ in the main thread, polling beside it, so Redis may be lost.

    What may take long has a thread of its own, so that nothing else waits for it: effects of which
    many wait, jobs, upkeep. `name` is the same for all that are started in each other's place.
    """

    platform: Platform
    name: str = field(default_factory=lambda: uuid.uuid4().hex)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Works until a signal comes."""
        self.take_signals()
        Every(math.inf, make_dispatcher(self.platform, self.name).let_go).tick()
        beside = [
            threading.Thread(target=self.run_effects, name="effects"),
            threading.Thread(target=self.go_by_the_clock, name="clock"),
            threading.Thread(target=self.keep_up, name="upkeep"),
            threading.Thread(target=self.run_jobs, name="jobs"),
            threading.Thread(target=self.receive, name="webhooks in"),
            threading.Thread(target=self.deliver, name="webhooks out"),
            threading.Thread(target=self.send_mail, name="mail"),
        ]
        for thread in beside:
            thread.start()
        try:
            self.serve_queues()
        finally:
            self.stop.set()
            for thread in beside:
                thread.join()
            self.platform.close()

    def run_effects(self) -> None:
        """Runs effects, whether or not anybody woke us, until the end is asked for."""
        dispatcher = make_dispatcher(self.platform, self.name)
        effects = Every(0, lambda: dispatcher.drain(stop=self.stop.is_set))
        self.go_round([effects], PROMPT_SECONDS)

    def go_by_the_clock(self) -> None:
        """Has done what comes due, and looks after rules, until the end is asked for."""
        rounds = [
            Every(0, lambda: plan_due(self.platform)),
            Every(WATCH_SECONDS, lambda: watch_over(self.platform)),
        ]
        self.go_round(rounds, PROMPT_SECONDS)

    def keep_up(self) -> None:
        """Keeps the audit, the database and the search index in order until the end is asked
        for."""
        indexer = Indexer(self.platform)
        rounds = [
            Every(0, lambda: sequence(self.platform.database)),
            Every(SEAL_SECONDS, self.seal_audit),
            Every(0, lambda: checkpoint(self.platform.database)),
            Every(SWEEP_SECONDS, self.sweep_queues),
            Every(PURGE_SECONDS, make_dispatcher(self.platform, self.name).purge),
            Every(PURGE_SECONDS, lambda: watch_years(self.platform)),
            *(Every(PURGE_SECONDS, clean) for clean in self.cleaning()),
            Every(INDEX_SECONDS, lambda: build_indexes(self.platform, at_once=False)),
            Every(0, lambda: indexer.work(SEARCH_BATCHES)),
        ]
        self.go_round(rounds)

    def run_jobs(self) -> None:
        """Runs jobs, step by step, until the end is asked for."""
        runner = JobRunner(self.platform)
        rounds = [
            Every(0, lambda: runner.drain(self.stop.is_set)),
            Every(PURGE_SECONDS, runner.purge),
            Every(INDEX_SECONDS, lambda: ask_for_keys(self.platform)),
            Every(INDEX_SECONDS, lambda: ask_for_scores(self.platform)),
            Every(INDEX_SECONDS, lambda: ask_for_plan(self.platform)),
        ]
        self.go_round(rounds)

    def receive(self) -> None:
        """Takes in what others send until the end is asked for."""
        self.go_round([Every(0, lambda: receive_due(self.platform, self.stop.is_set))])

    def deliver(self) -> None:
        """Tells webhooks of changes until the end is asked for."""
        allowed = self.platform.settings.outbound_allowed
        courier = Courier(self.platform, Outbound(allowed))
        rounds = [
            Every(0, lambda: fan_out(self.platform, self.stop.is_set)),
            Every(0, courier.start_due),
        ]
        self.go_round(rounds)
        courier.close()

    def send_mail(self) -> None:
        """Hands letters to the mail server until the end is asked for."""
        self.go_round([Every(0, Postman(self.platform).drain)])

    def go_round(self, rounds: Sequence[Every], pause: float = POLL_SECONDS) -> None:
        """Does what is due, again and again with so many seconds between, until the end is asked
        for."""
        while not self.stop.is_set():
            for every in rounds:
                every.tick()
            self.stop.wait(pause)

    def seal_audit(self) -> None:
        """Signs the head of the audit."""
        seal(self.platform.database, self.platform.settings)

    def cleaning(self) -> tuple[Callable[[], object], ...]:
        """Gives what lets go of rows and files whose time is over, each in transactions of its
        own."""
        database, blobs = self.platform.database, self.platform.blobs
        return (
            lambda: clean(database, blobs, datetime.now(UTC)),
            lambda: purge(database),
            lambda: clean_imports(database, datetime.now(UTC)),
            lambda: clean_exports(database, datetime.now(UTC)),
            lambda: forget_ended(database, datetime.now(UTC)),
            lambda: forget_messages(self.platform),
            lambda: forget_sessions(database),
            lambda: forget_runs(database),
            lambda: forget_points(database, datetime.now(UTC)),
        )

    def serve_queues(self) -> None:
        """Runs jobs from Redis while there is one; else waits for the end."""
        redis_url = self.platform.settings.redis_url
        while not self.stop.is_set():
            if redis_url is None:
                self.stop.wait()
                return
            try:
                self.serve(connect(redis_url, for_worker=True))
            except (RedisError, OSError) as error:
                logger.warning("Redis is away, the outbox is polled meanwhile: %s", error)
            self.stop.wait(RETRY_SECONDS)

    def serve(self, redis: Redis) -> None:
        """Runs jobs until a signal comes or RQ gives up; raises when Redis goes away."""
        redis.ping()
        dispatcher = make_dispatcher(self.platform, self.name)

        def dispatch() -> int:
            return dispatcher.drain(seconds=DISPATCH_SECONDS, stop=self.stop.is_set)

        worker = QueueWorker(
            [EFFECTS],
            stop=self.stop,
            connection=redis,
            serializer=JSONSerializer,
            job_class=job_class({"dispatch": dispatch}),
            worker_ttl=WORKER_TTL_SECONDS,
            maintenance_interval=MAINTENANCE_SECONDS,
            log_job_description=False,
        )
        try:
            worker.work(logging_level="WARNING", with_scheduler=False)
        finally:
            self.take_signals()

    def sweep_queues(self) -> None:
        """Has RQ notice jobs whose worker died; its own rounds are far apart."""
        if self.platform.settings.redis_url is None:
            return
        with connect(self.platform.settings.redis_url) as redis:
            StartedJobRegistry(queue=open_queue(redis, EFFECTS)).cleanup()

    def take_signals(self) -> None:
        """Ends the work at the usual signals."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda _number, _frame: self.stop.set())


def run_workers(settings: Settings, processes: int = 1) -> None:
    """Runs workers of an instance until a signal comes; one that dies is replaced at once.

    They are forks of this process, which has imported all they need: starting one anew would take
    seconds, in which nobody works.
    """

    def begin(name: str) -> Callable[[], Fork]:
        return partial(Fork, lambda: Worker(open_platform(settings), name).run())

    children = [
        Child(f"worker {number}", begin(uuid.uuid4().hex), healthy_seconds=HEALTHY_SECONDS)
        for number in range(1, processes + 1)
    ]
    Supervisor(children, together=True).run()
