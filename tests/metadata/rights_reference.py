"""Rights the slow way: plain loops over rows and role documents, for the law of rights.

Nothing here is shared with what is tested: neither the parsing of roles nor any query.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

Row = dict[str, Any]
Document = Mapping[str, Any]
ORDER = ("hidden", "masked", "read", "edit")

CONDITIONS: Mapping[str, Callable[[Row, Row], bool]] = {
    "level > 2": lambda row, _: row["level"] is not None and row["level"] > 2,
    "region = user.region": lambda row, me: (
        row["region"] is not None and row["region"] == me["region"]
    ),
    "not (level = 1)": lambda row, _: row["level"] != 1,
    "region is empty": lambda row, _: row["region"] is None,
    'region in ["n", "s"] and level is empty': lambda row, _: (
        row["region"] in ("n", "s") and row["level"] is None
    ),
    'in_role("role1")': lambda _, me: "role1" in me["roles"],
    'in_role("role")': lambda _, me: False,
    'level > 1 and in_team("East")': lambda row, me: (
        row["level"] is not None and row["level"] > 1 and "East" in me["teams"]
    ),
    "in_team(region)": lambda row, me: row["region"] in me["teams"],
    'not in_team("n") and not in_role("role0")': lambda _, me: (
        "n" not in me["teams"] and "role0" not in me["roles"]
    ),
}


@dataclass
class Reference:
    """One world: `rows` by table, and what the day and the moment are.

    `territory_of` gives an object's field that says where a record lies, None for none;
    `owned` are the objects whose records have owners.
    """

    rows: dict[str, list[Row]]
    territory_of: Mapping[str, str | None]
    owned: frozenset[str]
    ids: Mapping[str, str]
    today: date
    now: datetime

    def living(self, table: str) -> Iterator[Row]:
        """Gives the rows that are not deleted."""
        return (row for row in self.rows[table] if row["deleted_at"] is None)

    def counting(self, table: str) -> Iterator[Row]:
        """Gives the living rows whose days include today."""
        for row in self.living(table):
            begun = row["from"] is None or row["from"] <= self.today
            if begun and (row["until"] is None or self.today <= row["until"]):
                yield row

    def managers(self, user: str) -> set[str]:
        """Gives who manages a user today, by line or dotted line."""
        record = next(row for row in self.rows["user"] if row["id"] == user)
        periods = [row for row in self.counting("manager_period") if row["person"] == user]
        found = {row["manager"] for row in periods}
        lines = [row for row in periods if row["kind"] == "line"]
        ever = [
            row["manager"]
            for row in self.living("manager_period")
            if row["person"] == user and row["kind"] == "line"
        ]
        if not lines and record["manager"] and record["manager"] not in ever:
            found.add(record["manager"])
        return found

    def below(self, user: str) -> set[str]:
        """Gives a user and everybody whose managers lead up to her."""
        found = {user}
        for _ in self.rows["user"]:
            for row in self.rows["user"]:
                if self.managers(row["id"]) & found:
                    found.add(row["id"])
        return found

    def with_children(self, table: str, first: set[str]) -> set[str]:
        """Gives records and all the living ones below."""
        found = set(first)
        for _ in self.rows[table]:
            found |= {row["id"] for row in self.living(table) if row["parent"] in found}
        return found

    def linked(self, user: str, link: str, of: str) -> set[str]:
        """Gives the living records of an object that list somebody today."""
        alive = {row["id"] for row in self.living(of)}
        return alive & {row[of] for row in self.counting(link) if row["linked_user"] == user}

    def teams(self, user: str) -> set[str]:
        """Gives somebody's teams."""
        record = next(row for row in self.rows["user"] if row["id"] == user)
        managed = {row["id"] for row in self.living("team") if row["manager"] == user}
        found = self.with_children("team", managed)
        found |= self.linked(user, "team_others", "team")
        return found | ({record["team"]} if record["team"] else set())

    def team_names(self, user: str) -> set[str]:
        """Gives what somebody's living teams are called."""
        mine = self.teams(user)
        return {row["name"] for row in self.living("team") if row["id"] in mine}

    def territories(self, user: str) -> set[str]:
        """Gives somebody's territories with those below."""
        return self.with_children("territory", self.linked(user, "territory_members", "territory"))

    def queues(self, user: str) -> set[str]:
        """Gives the queues somebody takes from."""
        teams = self.teams(user)
        mine = self.linked(user, "queue_members", "queue")
        return mine | {row["id"] for row in self.living("queue") if row["team"] in teams}

    def opens(self, user: str, scope: object, name: str) -> bool:
        """Says whether a scope can reach any record of an object at all."""
        if scope in (True, "all"):
            return True
        if scope in (False, None, "none"):
            return False
        if name in self.owned:
            return True
        by_place = scope == "territory" and self.territory_of[name] is not None
        return by_place and bool(self.territories(user))

    def scope_reaches(self, user: str, scope: object, name: str, row: Row) -> bool:
        """Says whether a scope reaches a record."""
        if scope in (True, "all"):
            return True
        if scope in (False, None, "none"):
            return False
        owner = row.get("owner")
        if name in self.owned and owner == user:
            return True
        if scope == "team":
            return name in self.owned and row["owner_team"] in self.teams(user)
        if scope in ("subtree", "territory") and name in self.owned and owner in self.below(user):
            return True
        if scope != "territory":
            return False
        place = self.territory_of[name]
        if place is not None:
            return row[place] in self.territories(user)
        mine = self.territories(user)
        near = {
            r["linked_user"] for r in self.counting("territory_members") if r["territory"] in mine
        }
        return name in self.owned and owner in near

    def grants(self, user: str, roles: Sequence[Document], name: str) -> Iterator[Document]:
        """Gives the grants that count: those that let a record be made or seen."""
        for role in roles:
            grant = role["grants"].get(name) or role["grants"].get("*")
            if grant and (grant.get("create") is True or self.may(user, grant, "read", name)):
                yield grant

    def may(self, user: str, grant: Document, action: str, name: str) -> bool:
        """Says whether a grant opens any record for an action."""
        given = grant.get(action)
        scope = None if isinstance(given, list) else given
        return self.opens(user, scope, name) or any(conditions(grant, action))

    def reaches(
        self, user: str, roles: Sequence[Document], name: str, action: str, row: Row
    ) -> bool:
        """Says whether somebody may do something with a record, whether or not she sees it."""
        me = next(one for one in self.rows["user"] if one["id"] == user)
        held = {f"role{n}" for n, _ in enumerate(roles)}
        me = {**me, "roles": held, "teams": self.team_names(user)}
        granted = list(self.grants(user, roles, name))
        for grant in granted:
            given = grant.get(action)
            scope = None if isinstance(given, list) else given
            if self.scope_reaches(user, scope, name, row):
                return True
            if any(CONDITIONS[text](row, me) for text in conditions(grant, action)):
                return True
        if not any(self.may(user, grant, action, name) for grant in granted):
            return False
        if action == "read" and name in self.owned and row["owner_queue"] in self.queues(user):
            return row["owner_queue"] is not None
        return action in ("read", "update") and self.is_shared(user, name, action, row)

    def is_shared(self, user: str, name: str, action: str, row: Row) -> bool:
        """Says whether a record was shared with somebody, and still is."""
        who = {user, *self.teams(user)}
        return any(
            share["object"] == self.ids[name]
            and share["record_id"] == row["id"]
            and share["grantee"] in who
            and (share["until"] is None or self.now < share["until"])
            and (action == "read" or share["level"] == "update")
            for share in self.rows["record_share"]
        )

    def sees(self, user: str, roles: Sequence[Document], name: str, row: Row) -> bool:
        """Says whether somebody sees a record."""
        return row["deleted_at"] is None and self.reaches(user, roles, name, "read", row)

    def field_right(self, user: str, roles: Sequence[Document], name: str, field: str) -> str:
        """Gives what somebody may do with a field: the most that one of her roles says."""
        found = ["hidden"]
        for grant in self.grants(user, roles, name):
            writes = grant.get("create") is True or self.may(user, grant, "update", name)
            rights = grant.get("fields", {})
            found.append(rights.get(field, rights.get("*", "edit" if writes else "read")))
        return max(found, key=ORDER.index)


def conditions(grant: Document, action: str) -> Iterator[str]:
    """Gives the conditions that open further records for an action."""
    shared = grant.get("share")
    for described in shared if isinstance(shared, list) else []:
        if action in described:
            yield described[action]
