"""Examining an installation. Each examination gives its findings; all are run, all are shown."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Literal

import sqlalchemy as sa

from metadata.access import SYSTEM
from metadata.computed.filling import count_wrong
from metadata.converted import count_lacking
from metadata.drift import wanted_tables
from metadata.problems import sentence
from metadata.search.rebuild import count_wrong_entries, objects_behind
from metadata.steps import open_steps
from trellis.automation.dispatcher import database_now
from trellis.automation.quarantine import quarantined
from trellis.background import Overview, overview
from trellis.calendar_years import unknown_years
from trellis.checkpoints import TOO_LARGE_BYTES, wal_bytes
from trellis.config import ENCRYPTION_FILE, SECRET_FILE
from trellis.db import SAFE_WAL_VERSION, has_safe_wal
from trellis.files.cleanup import clean, lost_contents
from trellis.own_tables import own_tables
from trellis.records.webhooks import SOURCE, WEBHOOK, active_webhooks, webhook_problems
from trellis.runtime import Platform
from trellis.security.rotation import sealings, waiting
from trellis.security.standing import Standing
from trellis.security.tables import ab_user
from trellis.upkeep import (
    bring_forward,
    drift_of,
    has_older_system,
    repair_search,
    repair_tables,
    repair_values,
    surroundings,
)
from trellis.work import unit_for

LATE_AFTER = timedelta(minutes=5)
WRONG = {"dead": "given up", "failed": "failed", "unknown": "of unknown outcome"}
SECRET_MODE = 0o600
REPAIR = "trellis doctor --repair"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know: fine, worth a note, or wrong."""

    level: Literal["ok", "note", "wrong"]
    subject: str
    text: str


def examine(platform: Platform) -> list[Finding]:
    """Gives what there is to say about an installation."""
    return [finding for examination in EXAMINATIONS for finding in examination(platform)]


def mend(platform: Platform) -> list[Finding]:
    """Adds what is missing in the tables, builds indexes that wait and brings computed values
    right; gives what was done."""
    bring_forward(platform)
    added, _ = repair_tables(platform)
    done = [f"{drift.kind} {drift.name or drift.table} of {drift.table}" for drift in added]
    done += [f"{'.'.join(key)}: {rows} values" for key, rows in repair_values(platform).items()]
    indexed = repair_search(platform)
    done += [f"{name}: {rows} in the search index" for name, rows in indexed.items()]
    cleaned = clean(platform.database, platform.blobs, datetime.now(UTC))
    if cleaned.files or cleaned.contents:
        done.append(f"{cleaned.files} files and {cleaned.contents} contents that nothing held")
    return [Finding("ok", "repaired", text) for text in done]


def examine_files(platform: Platform) -> Iterator[Finding]:
    """Looks whether the content of each stored file is there."""
    lost = lost_contents(platform.database, platform.blobs)
    if lost:
        shown = ", ".join(lost[:5])
        text = f"{len(lost)} contents are not in {platform.settings.uploads_folder}: {shown}"
        yield Finding("wrong", "files", f"{text}; bring them back from a backup")


def examine_keys(platform: Platform) -> Iterator[Finding]:
    """Looks whether encrypted values wait for the first key, or for any key at all."""
    with platform.database.read() as connection:
        catalog = platform.catalogs.current(connection)
        if platform.settings.cipher is None:
            if any(True for _ in sealings(catalog)):
                text = "there is none, and fields are encrypted: run `trellis init`"
                yield Finding("wrong", "encryption keys", text)
            return
        for name, number in waiting(connection, catalog).items():
            text = f"{number} values of {name} are sealed with an older one: trellis keys rotate"
            yield Finding("note", "encryption keys", text)


def examine_computed(platform: Platform) -> Iterator[Finding]:
    """Looks whether stored computed fields hold what they should, field by field."""
    with platform.database.read() as connection:
        catalog = platform.catalogs.current(connection)
        around = surroundings(platform, connection, catalog)
        found = list(count_wrong(connection, catalog, around))
    wrong = [(".".join(one.key), rows) for one, rows in found if rows]
    for name, rows in wrong:
        yield Finding("wrong", "computed fields", f"{name}: {rows} values are wrong; run {REPAIR}")
    if found and not wrong:
        yield Finding("ok", "computed fields", f"{len(found)} hold what they should")


def examine_search(platform: Platform) -> Iterator[Finding]:
    """Looks whether the search index is made, and whether it holds what the records say."""
    with platform.database.read() as connection:
        catalog = platform.catalogs.current(connection)
        behind = [one.definition.name for one in objects_behind(connection, catalog)]
        found = list(count_wrong_entries(connection, catalog)) if not behind else []
    if behind:
        text = f"{', '.join(behind)}: being indexed by the worker"
        yield Finding("note", "search index", text)
    wrong = [(one.name, rows) for one, rows in found if rows]
    for name, rows in wrong:
        yield Finding("wrong", "search index", f"{name}: {rows} entries are wrong; run {REPAIR}")
    if found and not wrong:
        yield Finding("ok", "search index", f"{len(found)} objects are searched as they should be")


def examine_amounts(platform: Platform) -> Iterator[Finding]:
    """Looks for amounts without their worth in the base currency although there is a rate."""
    with platform.database.read() as connection:
        catalog = platform.catalogs.current(connection)
        found = count_lacking(connection, catalog, surroundings(platform, connection, catalog))
    for key, rows in found.items():
        text = f"{'.'.join(key)}: {rows} are not converted to the base currency; run {REPAIR}"
        yield Finding("note", "amounts", text)


def examine_database(platform: Platform) -> Iterator[Finding]:
    """Looks at the database itself."""
    if platform.database.dialect == "postgresql":
        with platform.database.read() as connection:
            version = connection.execute(sa.text("SHOW server_version")).scalar_one()
        yield Finding("ok", "database", f"PostgreSQL {version}")
        return
    with platform.database.read() as connection:
        state = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    level: Literal["ok", "wrong"] = "ok" if state == "ok" else "wrong"
    yield Finding(level, "database", f"SQLite {sqlite3.sqlite_version}, check: {state}")


def examine_wal(platform: Platform) -> Iterator[Finding]:
    """Looks at SQLite's write-ahead log."""
    file = platform.database.file
    if file is None:
        return
    if not has_safe_wal():
        fixed = ".".join(map(str, SAFE_WAL_VERSION))
        yield Finding(
            "note",
            "write-ahead log",
            f"SQLite before {fixed} can damage a file when two checkpoints meet; "
            "so connections do none and the worker does them alone. Keep one worker running",
        )
    size = wal_bytes(file)
    if size > TOO_LARGE_BYTES:
        yield Finding(
            "wrong", "write-ahead log", f"{size >> 20} MB: no worker has run for long; start one"
        )


def examine_tables(platform: Platform) -> Iterator[Finding]:
    """Looks whether all tables are what they should be: the platform's and those of objects."""
    with platform.database.read() as connection:
        catalog = platform.catalogs.current(connection)
        steps = open_steps(connection)
    drifts = drift_of(platform)
    for drift in drifts:
        yield Finding("note" if drift.is_harmless else "wrong", "tables", drift.sentence())
    if all(drift.is_harmless for drift in drifts):
        number = len(wanted_tables(catalog, own_tables()))
        yield Finding("ok", "tables", f"{number}, definitions at version {catalog.version}")
    if has_older_system(platform):
        text = "the system's own is an older version's; bring it forward with: trellis init"
        yield Finding("wrong", "packages", text)
    names = {one.id: one.name for one in (*catalog.objects.values(), *catalog.retired.values())}
    for step in steps:
        about = f"index {step.name} of {names.get(step.object, step.object)}"
        if step.error is None:
            yield Finding("note", "indexes", f"{about} is being built by the worker")
        else:
            tried = f"{about} is not built after {step.tries} tries: {step.error}"
            yield Finding("wrong", "indexes", f"{tried}; correct the rows, then: {REPAIR}")


def examine_accounts(platform: Platform) -> Iterator[Finding]:
    """Looks whether each user record and its account agree."""
    with platform.database.read() as connection:
        users = platform.catalogs.current(connection).tables["user"]
        pairs = sa.select(users.c.username).join(
            ab_user, ab_user.c.id == users.c.account, isouter=True
        )
        astray = pairs.where(sa.or_(ab_user.c.id.is_(None), ab_user.c.username != users.c.username))
        names = list(connection.execute(astray.order_by(users.c.username)).scalars())
    if names:
        yield Finding("wrong", "users", f"record and account differ: {', '.join(names)}")


def examine_managers(platform: Platform) -> Iterator[Finding]:
    """Looks for people whose manager is gone."""
    with platform.database.read() as connection:
        unit = unit_for(platform, connection, platform.catalogs.current(connection), SYSTEM)
        found = Standing(unit.connection, unit.catalog, unit.moment.today).reports()
    for manager, people in groupby(found, key=lambda one: one.manager):
        names = ", ".join(one.username for one in people)
        text = f"{manager} is gone, the manager of {names}: who stands above comes in"
        yield Finding("note", "managers", f"{text}; name another manager for them")


def examine_calendars(platform: Platform) -> Iterator[Finding]:
    """Looks for calendars that lack the days of this year, or of one that begins soon."""
    with platform.database.read() as connection:
        unit = unit_for(platform, connection, platform.catalogs.current(connection), SYSTEM)
        for name, year in unknown_years(unit):
            text = f"{name} does not know the days off of {year} yet"
            way = "update the Python package holidays, or write them in the calendar"
            yield Finding("note", "calendars", f"{text}: {way}")


def examine_work(platform: Platform) -> Iterator[Finding]:
    """Looks for work in the background that is late, given up, of unknown outcome or paused."""
    with platform.database.read() as connection:
        unit = unit_for(platform, connection, platform.catalogs.current(connection), SYSTEM)
        now = database_now(connection)
        for one in overview(unit):
            yield from work_findings(one, late(connection, one.work.table, now))
    if platform.settings.mail_server is None:
        yield Finding("note", "mail", "no server is named in TRELLIS_SMTP_URL: letters wait")


def examine_rules(platform: Platform) -> Iterator[Finding]:
    """Looks for rules in quarantine, and how many rules are retired."""
    with platform.database.read() as connection:
        catalog = platform.catalogs.current(connection)
        for one in quarantined(connection).values():
            text = f"{one.rule} is in quarantine since {one.since:%Y-%m-%d %H:%M} UTC"
            tail = f"{one.held} effects are held: release or drop them in Setup › Rules"
            yield Finding("wrong", "rules", f"{text} ({one.cause}); {tail}")
    if catalog.retirements:
        names = ", ".join(sorted(name for _word, name in catalog.retirements))
        yield Finding("note", "rules", f"retired: {names}")


def examine_webhooks(platform: Platform) -> Iterator[Finding]:
    """Looks for active webhooks and their sources that can do nothing, or that nobody acts for."""
    with platform.database.read() as connection:
        unit = unit_for(platform, connection, platform.catalogs.current(connection), SYSTEM)
        for name in (WEBHOOK, SOURCE):
            for record in active_webhooks(unit, name):
                for problem in webhook_problems(unit, unit.catalog.objects[name], record):
                    said = f"{name} {record['title']!r}, {problem.path[1:]}: {sentence(problem)}"
                    yield Finding("wrong", "webhooks", said)


def late(connection: sa.Connection, table: sa.Table, now: datetime) -> int:
    """Gives how many pieces of work should have been done for some time."""
    overdue = sa.and_(table.c.state == "waiting", table.c.available_at < now - LATE_AFTER)
    return connection.execute(sa.select(sa.func.count()).where(overdue)).scalar_one()


def work_findings(one: Overview, number_late: int) -> Iterator[Finding]:
    """Gives what there is to say of work of one kind."""
    name, counts = one.work.name, one.counts
    if one.paused_since is not None:
        yield Finding("note", name, f"paused by {one.paused_by}: {counts.get('waiting', 0)} wait")
    wrong = [f"{counts[state]} {words}" for state, words in WRONG.items() if counts.get(state)]
    if number_late and one.paused_since is None:
        wrong.append(f"{number_late} late: is a worker running?")
    for text in wrong:
        yield Finding("wrong", name, text)
    if not wrong and one.paused_since is None:
        yield Finding("ok", name, f"{counts.get('waiting', 0)} wait")


def examine_redis(platform: Platform) -> Iterator[Finding]:
    """Looks whether Redis answers."""
    if platform.settings.redis_url is None:
        yield Finding("note", "redis", "none named: `trellis serve` starts its own")
    elif platform.wake_ups.answers():
        yield Finding("ok", "redis", "answers")
    else:
        yield Finding("wrong", "redis", "does not answer; work is found by polling meanwhile")


def examine_secrets(platform: Platform) -> Iterator[Finding]:
    """Looks whether others can read the secrets."""
    for name in (SECRET_FILE, ENCRYPTION_FILE):
        path = platform.settings.instance / name
        if path.exists() and path.stat().st_mode & 0o077:
            yield Finding("wrong", "secrets", f"{path} is readable by others; run chmod 600")


EXAMINATIONS = (
    examine_database,
    examine_wal,
    examine_tables,
    examine_computed,
    examine_amounts,
    examine_search,
    examine_accounts,
    examine_managers,
    examine_calendars,
    examine_work,
    examine_rules,
    examine_webhooks,
    examine_redis,
    examine_secrets,
    examine_files,
    examine_keys,
)
