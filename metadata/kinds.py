"""Finding the members of an open family by listing the modules of a package."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from typing import Protocol, TypeVar


class Named(Protocol):
    """A member of a family, known by its name."""

    @property
    def name(self) -> str:
        """Gives the API name."""


Member = TypeVar("Member", bound=Named)


def load_kinds(
    package: str, base: type[Member], attribute: str = "TYPE", group: str | None = None
) -> dict[str, Member]:
    """Gives the members of a family by name, in the order of their names.

    Each module of `package` holds one member as `attribute`; distributions add others under the
    entry point `group`. Raises TypeError for a module without a member and ValueError for a name
    that is taken.
    """
    members: dict[str, Member] = {}
    for place, member in [*listed(package, attribute), *offered(group)]:
        if not isinstance(member, base):
            raise TypeError(f"{place} must define {attribute} as an instance of {base.__name__}")
        if member.name in members:
            raise ValueError(f"{place}: there already is a {base.__name__} named {member.name}")
        members[member.name] = member
    return dict(sorted(members.items()))


def listed(package: str, attribute: str) -> Iterator[tuple[str, object]]:
    """Gives each module of a package with what it holds as `attribute`."""
    for entry in iter_modules(import_module(package).__path__, f"{package}."):
        yield entry.name, getattr(import_module(entry.name), attribute, None)


def offered(group: str | None) -> Iterator[tuple[str, object]]:
    """Gives what installed distributions offer under an entry point group."""
    for point in entry_points(group=group) if group else ():
        yield point.value, point.load()
