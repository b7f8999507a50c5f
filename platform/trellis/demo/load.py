"""Plays a planned world through the use cases that people use, each event at its own time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from metadata.access import AUTOMATION, SYSTEM, Principal
from metadata.catalog import Catalog
from metadata.packages.demo import GENERATOR
from metadata.query import Moment
from trellis import approvals
from trellis.automation.outbox import outbox
from trellis.automation.requests import OPEN, approval_request
from trellis.demo.files import load_files, read_files
from trellis.demo.world import Event, Planned, World, plan_world
from trellis.errors import Refused
from trellis.records.save import refresh, save_record
from trellis.runtime import Platform
from trellis.security.directory import UserDirectory
from trellis.security.users import create_user, find_user
from trellis.unit import Unit

NOTHING: Mapping[str, Any] = {
    "seed": 0,
    "history_days": 0,
    "pools": {},
    "teams": [],
    "users": [],
    "objects": [],
}
"""What is drawn for a package that has demo files only."""

# Messages about what happened longer ago are not sent any more, unless somebody still has to act.
NEWS_DAYS = 4


def load_demo(
    here: Platform, package: Path, *, password: str, seed: int | None = None
) -> Mapping[str, int]:
    """Makes a package's demo world, once: gives the number of records by object.

    First come the files (`demo/<object>.csv` or `.json`), then what `demo/generate.json` draws. All
    demo users get `password`. Gives nothing when the package has no demo or its world is there.
    """
    folder = package / "demo"
    path = folder / GENERATOR
    recipe = json.loads(path.read_text("utf-8")) if path.exists() else NOTHING
    files = read_files(folder)
    made = [*files, *(group["object"] for group in recipe["objects"])]
    with here.database.write() as connection:
        catalog = here.catalogs.current(connection)
        if not made or any(is_inhabited(connection, catalog, name) for name in made[:1]):
            return {}
        people = make_people(here, connection, catalog, recipe, password)
    now = datetime.now(UTC)
    with here.database.write() as connection:
        moment = Moment(now - timedelta(days=recipe["history_days"]), here.settings.zone)
        directory = UserDirectory(connection, catalog, moment.today)
        unit = Unit(connection, catalog, SYSTEM, moment, directory)
        there = load_files(unit, files)
        world = plan_world(recipe, now, seed, there)
        Player(here, connection, people).play(world)
    return {
        name: len([one for one in records if one.id]) for name, records in world.records.items()
    }


def is_inhabited(connection: sa.Connection, catalog: Catalog, object_name: str) -> bool:
    """Says whether an object has records already."""
    table = catalog.tables[object_name]
    return (
        connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() is not None
    )


def make_people(
    here: Platform,
    connection: sa.Connection,
    catalog: Catalog,
    recipe: Mapping[str, Any],
    password: str,
) -> dict[str, str]:
    """Makes teams and users, managers first; gives the users' ids by name."""
    moment = Moment(datetime.now(UTC), here.settings.zone)
    directory = UserDirectory(connection, catalog, moment.today)
    unit = Unit(connection, catalog, SYSTEM, moment, directory)
    table = catalog.tables["team"]
    there = connection.execute(sa.select(table.c.name, table.c.id)).all()
    teams = {str(name): str(team_id) for name, team_id in there}
    for team in recipe["teams"]:
        if team["name"] not in teams:
            made = save_record(unit, "team", None, {"name": team["name"]}, channel="system")
            teams[team["name"]] = made.id
    people: dict[str, str] = {}
    for user in recipe["users"]:
        values = {
            "username": user["username"],
            "name": user["name"],
            "email": f"{user['username']}@demo.example",
            "active": True,
            "team": teams[user["team"]],
            "region": user.get("region"),
            "manager": people.get(user.get("manager", "")),
        }
        people[user["username"]] = find_user(connection, catalog, user["username"]) or create_user(
            connection, catalog, values, password=password, roles=user["roles"]
        )
    return people


@dataclass(slots=True)
class Player:
    """Plays events in one transaction. `people` are user ids by name."""

    here: Platform
    connection: sa.Connection
    people: Mapping[str, str]
    catalog: Catalog = field(init=False)
    principals: dict[str, Principal] = field(init=False)

    def __post_init__(self) -> None:
        snapshot = self.here.catalogs.snapshot(self.connection)
        self.catalog = snapshot.catalog
        users = self.catalog.tables["user"]
        accounts = self.connection.execute(sa.select(users.c.id, users.c.account)).all()
        found = {
            str(user_id): self.here.accounts.principal_for(self.connection, snapshot, account)
            for user_id, account in accounts
        }
        self.principals = {name: person for name, person in found.items() if person is not None}

    def play(self, world: World) -> None:
        """Plays all events, in order of time."""
        news = datetime.now(UTC) - timedelta(days=NEWS_DAYS)
        before = self.effects()
        for event in world.events:
            if event.at <= news:
                self.play_event(event)
        old = self.effects() - before
        for event in world.events:
            if event.at > news:
                self.play_event(event)
        self.forget(old)
        self.rescore(world)

    def effects(self) -> set[str]:
        """Gives the keys of the messages that are to be sent."""
        return set(self.connection.execute(sa.select(outbox.c.effect_key)).scalars())

    def forget(self, keys: Set[str]) -> None:
        """Drops messages, but not those to people who are still asked for an approval."""
        request = approval_request
        still = sa.select(request.c.id, request.c.revision).where(request.c.status == OPEN)
        kept = tuple(
            f"approval/{one}/{revision}/" for one, revision in self.connection.execute(still)
        )
        dropped = [key for key in keys if not key.startswith(kept)]
        self.connection.execute(sa.delete(outbox).where(outbox.c.effect_key.in_(dropped)))

    def rescore(self, world: World) -> None:
        """Brings scores up to the present: some of them fade with time."""
        unit = self.unit_of(datetime.now(UTC), AUTOMATION)
        for name, records in world.records.items():
            if self.catalog.program.for_object(name).scores:
                for record in records:
                    refresh(unit, name, str(record.id), why="rescored")

    def play_event(self, event: Event) -> None:
        """Lets one thing happen; a record that waits for an approval lies still."""
        record = event.record
        match event.act:
            case "create":
                self.create(event)
            case _ if record.id is None:
                pass  # it was refused
            case "set":
                if self.waiting(event) is None:
                    self.change(event)
            case "submit":
                self.submit(event)
            case _:
                self.decide(event)

    def create(self, event: Event) -> None:
        """Makes the record as its owner, unless what it belongs to was refused."""
        record = event.record
        if any(one.id is None for one in referred(record)):
            return
        unit = self.unit(event.at, record.owner)
        values = {**record.values, **ids_of(record.references)}
        with self.forgiving(record):
            record.id = save_record(unit, record.kind, None, values, channel="import").id

    def change(self, event: Event) -> None:
        """Changes the record as its owner."""
        record = event.record
        unit = self.unit_of(event.at, self.holder(record))
        with self.forgiving(record):
            save_record(unit, record.kind, record.id, event.values, channel="page")

    def holder(self, record: Planned) -> Principal:
        """Gives whose a record is by now: rules may have given it to somebody else."""
        table = self.catalog.tables[record.kind]
        owner = None
        if "owner" in table.c:
            query = sa.select(table.c.owner).where(table.c.id == record.id)
            owner = self.connection.execute(query).scalar_one()
        return self.principals[owner or self.people[record.owner]]

    @contextmanager
    def forgiving(self, record: Planned) -> Iterator[None]:
        """Undoes what is refused, where the recipe says that it may be."""
        try:
            with self.connection.begin_nested():
                yield
        except Refused:
            if not record.may_fail:
                raise

    def submit(self, event: Event) -> None:
        """Submits the record, unless there is nothing about it that needs approval."""
        unit = self.unit(event.at, event.record.owner)
        with suppress(Refused):
            approvals.submit(unit, event.record.kind, str(event.record.id))

    def decide(self, event: Event) -> None:
        """Lets the first of the people who are asked approve; nothing when nobody is asked."""
        request = self.waiting(event)
        if request is None:
            return
        asked: Sequence[str] = request.state.approvers
        unit = self.unit_of(event.at, self.principals[asked[0]])
        approvals.decide(unit, request.id, "approve", "")

    def waiting(self, event: Event) -> approvals.Request | None:
        """Gives the record's open approval request."""
        unit = self.unit(event.at, event.record.owner)
        requests = approvals.of_record(unit, event.record.kind, str(event.record.id))
        return next((request for request in requests if request.status == "open"), None)

    def unit(self, at: datetime, username: str) -> Unit:
        """Gives a unit of work of a person at a time."""
        return self.unit_of(at, self.principals[self.people[username]])

    def unit_of(self, at: datetime, principal: Principal) -> Unit:
        """Gives a unit of work of a principal at a time."""
        moment = Moment(at, self.here.settings.zone)
        directory = UserDirectory(self.connection, self.catalog, moment.today)
        return Unit(self.connection, self.catalog, principal, moment, directory)


def referred(record: Planned) -> Iterator[Planned]:
    """Gives the records that a record refers to."""
    for one in record.references.values():
        yield from [one] if isinstance(one, Planned) else one


def ids_of(references: Mapping[str, Planned | list[Planned]]) -> dict[str, object]:
    """Gives the ids of records made before."""
    return {
        name: one.id if isinstance(one, Planned) else [each.id for each in one]
        for name, one in references.items()
    }
