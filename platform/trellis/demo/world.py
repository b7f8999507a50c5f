"""Plans a made-up world: who exists, which records are made when, and what happens to them.

Everything is drawn from one seed before anything is written, so that the same file gives the same
world. A record waits for its parent: children come after the record they belong to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from trellis.demo.values import Pools, make_value


@dataclass(slots=True)
class Planned:
    """A record of object `kind` to be made, or that is there already: then it has an `id`.

    `references` are other planned records by field: one, or several for a list. What a rule
    refuses is left out when it `may_fail`, together with all that refers to it.
    """

    kind: str
    at: datetime
    owner: str
    values: dict[str, Any]
    references: dict[str, Planned | list[Planned]] = field(default_factory=dict)
    id: str | None = None
    may_fail: bool = False

    def refers_to(self, name: str) -> Planned | None:
        """Gives the record that a reference leads to."""
        found = self.references.get(name)
        return found if isinstance(found, Planned) else None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens to a planned record: `act` is create, set, or an approval's verb."""

    at: datetime
    record: Planned
    act: str
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class World:
    """The plan's records by object, and all events in order of time."""

    records: dict[str, list[Planned]]
    events: list[Event]


def plan_world(
    recipe: Mapping[str, Any],
    now: datetime,
    seed: int | None = None,
    there: Mapping[str, Sequence[str]] | None = None,
) -> World:
    """Draws the whole world that ends at `now`; what would lie in the future is left out.

    `there` are the ids, by object, of records that were made before and may be referred to.
    """
    random = Random(recipe["seed"] if seed is None else seed)  # noqa: S311  # not a secret
    pools = Pools(recipe["pools"], random)
    owners = people_by_role(recipe["users"])
    records: dict[str, list[Planned]] = defaultdict(list)
    begin = now - timedelta(days=recipe["history_days"])
    for name, ids in (there or {}).items():
        records[name] = [Planned(name, begin, "", {}, id=one) for one in ids]
    events: list[Event] = []
    for group in recipe["objects"]:
        taken: set[object] = {r.values.get("name") for r in records[group["object"]]}
        for parent, at in starts(group, records, random, now):
            record = plan_record(group, parent, at, pools, owners, records, taken)
            records[group["object"]].append(record)
            events.append(Event(at, record, "create"))
            events.extend(plan_life(group, record, pools, now))
    events.sort(key=lambda event: event.at)
    return World(dict(records), events)


def people_by_role(users: Sequence[Mapping[str, Any]]) -> Mapping[str, list[str]]:
    """Gives the user names that hold each role."""
    found: dict[str, list[str]] = defaultdict(list)
    for user in users:
        for role in user["roles"]:
            found[role].append(user["username"])
    return found


def starts(
    group: Mapping[str, Any],
    records: Mapping[str, Sequence[Planned]],
    random: Random,
    now: datetime,
) -> Iterator[tuple[Planned | None, datetime]]:
    """Gives for each record to be made its parent and the moment of its creation."""
    made = 0
    parents = parents_of(group, records, random)
    while made < group["count"] and (parents or "parent" not in group):
        if "parent" not in group:
            oldest, youngest = group["created_days"]
            yield None, office_hours(now - timedelta(days=random.uniform(youngest, oldest)), random)
            made += 1
            continue
        parent = random.choice(parents)
        at = after_parent(group, parent, random)
        if at >= now:
            parents.remove(parent)  # too young to have children yet
            continue
        yield parent, at
        made += 1


def after_parent(group: Mapping[str, Any], parent: Planned, random: Random) -> datetime:
    """Gives a moment `after_minutes`, or in office hours `after_days`, of the parent's creation."""
    if "after_minutes" in group:
        return parent.at + timedelta(minutes=random.randint(*group["after_minutes"]))
    later = parent.at + timedelta(days=random.uniform(*group["after_days"]))
    return max(office_hours(later, random), parent.at + timedelta(minutes=5))


def parents_of(
    group: Mapping[str, Any], records: Mapping[str, Sequence[Planned]], random: Random
) -> list[Planned]:
    """Gives the records that may get children; `share` thins them out.

    Records from files belong to nobody: they get some only where the group has an owner.
    """
    if "parent" not in group:
        return []
    there = records[group["parent"]["object"]]
    every = [record for record in there if record.owner or "owner" in group]
    if not every:
        return []
    return random.sample(every, max(1, round(len(every) * group["parent"].get("share", 1))))


def office_hours(at: datetime, random: Random) -> datetime:
    """Moves a moment into a working day's hours of the demo's offices (UTC+8)."""
    at = at.replace(
        hour=random.randint(1, 9), minute=random.randint(0, 59), second=0, microsecond=0
    )
    weekend = at.weekday() - 4
    return at - timedelta(days=weekend) if weekend > 0 else at


def plan_record(
    group: Mapping[str, Any],
    parent: Planned | None,
    at: datetime,
    pools: Pools,
    owners: Mapping[str, Sequence[str]],
    records: Mapping[str, Sequence[Planned]],
    taken: set[object],
) -> Planned:
    """Draws one record: its owner, references and values."""
    owner = (
        pools.random.choice(owners[group["owner"]]) if "owner" in group else parent_owner(parent)
    )
    record = Planned(group["object"], at, owner, {}, may_fail=group.get("may_fail", False))
    if parent is not None:
        record.references[group["parent"]["field"]] = parent
        for name in group["parent"].get("copy", ()):
            record.references[name] = parent.references[name]
    for name, recipe in group["fields"].items():
        if isinstance(recipe, dict) and "related" in recipe:
            relate(record, name, recipe, records, pools.random)
            continue
        if isinstance(recipe, dict) and "user" in recipe:
            record.values[name] = pools.random.choice(owners[recipe["user"]])
            continue
        value = make_value(recipe, pools, record.values, at)
        while isinstance(recipe, dict) and recipe.get("unique") and value in taken:
            value = f"{value} {pools.random.choice('ABCDEFGHJKLMNPQRSTUVWXYZ')}"
        if value is not None:
            record.values[name] = value
            taken.add(value)
    return record


def parent_owner(parent: Planned | None) -> str:
    """Gives who makes the children of a record: its owner."""
    if parent is None:
        raise ValueError("a group of records needs an owner or a parent")
    return parent.owner


def relate(
    record: Planned,
    name: str,
    recipe: Mapping[str, Any],
    records: Mapping[str, Sequence[Planned]],
    random: Random,
) -> None:
    """Refers to a record of `related` that was there before, if there is one.

    With `by` it has the same reference as the record, or as the one that `of` leads to; by `owner`
    it belongs to the same person. `once` takes none that a sibling refers to, `many` ([least,
    most]) makes a list.
    """
    siblings = records[record.kind] if recipe.get("once") else ()
    near = [
        candidate
        for candidate in records.get(recipe["related"], ())
        if candidate.at < record.at
        and is_near(record, candidate, recipe)
        and not any(is_taken(record, sibling, name, candidate) for sibling in siblings)
    ]
    if not near or random.random() >= recipe.get("chance", 1):
        return
    if "many" in recipe:
        count = min(len(near), random.randint(*recipe["many"]))
        record.references[name] = random.sample(near, count)
    else:
        record.references[name] = random.choice(near)


def is_near(record: Planned, candidate: Planned, recipe: Mapping[str, Any]) -> bool:
    """Says whether a record shares with another what `by` and `of` ask for."""
    if "by" not in recipe:
        return True
    if recipe["by"] == "owner":
        return candidate.owner == record.owner
    start = record.refers_to(recipe["of"]) if "of" in recipe else record
    return start is not None and candidate.refers_to(recipe["by"]) is start.refers_to(recipe["by"])


def is_taken(record: Planned, sibling: Planned, name: str, candidate: Planned) -> bool:
    """Says whether a child of the same parent refers to a record already."""
    if sibling.refers_to(name) is not candidate:
        return False
    parents = {id(one) for key, one in sibling.references.items() if key != name}
    return any(id(one) in parents for one in record.references.values())


def plan_life(
    group: Mapping[str, Any], record: Planned, pools: Pools, now: datetime
) -> Iterator[Event]:
    """Gives what happens after the creation, until a chance ends it or the present is reached."""
    at = record.at
    for step in group.get("life", ()):
        if pools.random.random() >= step["chance"]:
            return
        low, high = step["after_days"]
        later = office_hours(at + timedelta(days=pools.random.uniform(low, high)), pools.random)
        at = max(later, at + timedelta(minutes=pools.random.randint(20, 200)))
        if at >= now:
            return
        if "act" in step:
            yield Event(at, record, step["act"])
            continue
        chosen = step
        if "one_of" in step:
            weights = [option["weight"] for option in step["one_of"]]
            (chosen,) = pools.random.choices(step["one_of"], weights)
        drawn = {k: make_value(v, pools, record.values, at) for k, v in chosen["set"].items()}
        yield Event(at, record, "set", drawn)
