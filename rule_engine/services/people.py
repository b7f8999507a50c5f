"""Who is meant by `role "CFO" in owner.region`, `manager of owner` or `account.owner`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from rule_engine import core
from rule_engine.functions import functions
from rule_engine.program import Actor, Group, Person, Principal, Relation
from rule_engine.services.evaluate import Record, acting_as, evaluate
from rule_engine.types import NO_MEMBERSHIPS, Directory, Environment, Memberships, Related

FALLBACK_ROLE = "admin"
"""Who is asked or told when nobody else can be found."""


@dataclass(frozen=True, slots=True)
class Company:
    """What is needed to find people: the record, its surroundings and the directory.

    `parts` says who plays `submitter` and `approver` at the moment.
    """

    record: Record
    environment: Environment
    directory: Directory
    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)


def find_people(principals: Sequence[Principal], company: Company) -> tuple[str, ...]:
    """Gives the ids of the users meant, in written order, each once; inactive ones left out.

    In the place of somebody who left (a path to an inactive user) stands their manager.
    """
    found = (user for principal in principals for user in _find(principal, company))
    return tuple(dict.fromkeys(found))


def last_resort(directory: Directory) -> Sequence[str]:
    """Gives who is asked or told when nobody else can be found."""
    return directory.resolve("role", FALLBACK_ROLE, None)


def nearest_above(user: str, above: Callable[[str], Mapping[str, bool]]) -> list[str]:
    """Gives the nearest people above a user who work here: it climbs over those who are gone.

    `above` gives who stands directly above somebody, and whether they work here.
    """
    found: list[str] = []
    climbed, seen = [user], {user}
    while climbed:
        for person, works in above(climbed.pop(0)).items():
            if person not in seen:
                seen.add(person)
                (found if works else climbed).append(person)
    return found


def describe(principals: Sequence[Principal]) -> str:
    """Gives the principals as one would write them."""
    return ", ".join(_describe(principal) for principal in principals)


def user_record(environment: Environment, user: str) -> Record:
    """Gives what is known of a user, at least the id."""
    return environment.related.record("user", user) or {"id": user}


def as_candidate(
    user: str, condition: core.Node, environment: Environment, directory: Directory
) -> Environment:
    """Gives the environment in which a condition asks of a user as of the acting person."""
    belongs = directory.memberships(user) if asks_memberships(condition) else NO_MEMBERSHIPS
    return acting_as(environment, user_record(environment, user), belongs)


@lru_cache(maxsize=1_000)
def asks_memberships(condition: core.Node) -> bool:
    """Says whether a condition looks at roles or teams of the acting person."""
    known = functions()
    calls = (one for one in core.walk(condition) if isinstance(one, core.Call))
    return any(known[call.function].asks_user for call in calls)


def described_memberships(user: Record, related: Related) -> Memberships:
    """Gives what somebody belongs to by her record and those of teams: the roles that `roles`
    lists, her `team`, and the teams that she manages with all below."""
    teams: dict[str, str] = {}
    own = user.get("team")
    if own is not None:
        teams[str(own)] = str((related.record("team", str(own)) or {}).get("name") or own)
    pending = [*related.records("team", "manager", str(user.get("id")))]
    below = set[str]()
    while pending:
        team = pending.pop()
        key = str(team["id"])
        if key not in below:
            below.add(key)
            teams[key] = str(team.get("name") or key)
            pending += related.records("team", "parent", key)
    roles = user.get("roles")
    held = roles.replace(",", " ").split() if isinstance(roles, str) else roles
    known = map(str, held) if isinstance(held, Collection) else ()
    return Memberships(frozenset(known), frozenset(teams.values()))


def works_here(environment: Environment, user: str) -> bool:
    """Says whether there is a user who may log in."""
    found = environment.related.record("user", user)
    return found is not None and found.get("active") is not False


def _find(principal: Principal, company: Company) -> Sequence[str]:
    match principal:
        case Group(kind=kind, name=name, scope=scope):
            where = None
            if scope is not None:
                where = evaluate(scope, company.record, company.environment)
                if where is None:
                    return ()
            return company.directory.resolve(kind, name, where)
        case Relation(kind=kind, of=of):
            return [
                user
                for person in _find(of, company)
                for user in company.directory.relation(kind, person)
            ]
        case Actor(name=name):
            return company.parts.get(name, ())
        case Person(path=path):
            return _person(path, company)


def _person(path: core.Path, company: Company) -> Sequence[str]:
    user = evaluate(path, company.record, company.environment)
    if not isinstance(user, str) or path.type.target not in (None, "user"):
        return ()
    if not works_here(company.environment, user):
        return company.directory.relation("manager", user)
    return (user,)


def _describe(principal: Principal) -> str:
    match principal:
        case Group(kind=kind, name=name, scope=scope):
            where = f" in {_path_text(scope)}" if isinstance(scope, core.Path) else ""
            return f'{kind} "{name}"{where}'
        case Relation(kind=kind, of=of):
            return f"{kind} of {_describe(of)}"
        case Actor(name=name):
            return name
        case Person(path=path):
            return _path_text(path)


def _path_text(path: core.Path) -> str:
    return ".".join((*(hop.field for hop in path.hops), path.field))
