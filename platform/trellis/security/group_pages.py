"""`/groups`: groups of users, who hold the roles of their group beside their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flask import request
from flask_appbuilder.security.sqla.models import Group
from flask_appbuilder.security.views import UserGroupModelView

from metadata.problems import Problem, sentence
from metadata.roles import incompatible
from trellis import current
from trellis.audit import note
from trellis.errors import Conflict
from trellis.security.administrators import keep_administrator
from trellis.security.page_actions import PageActions
from trellis.work import writing_now


class GroupRefusedError(Exception):
    """A group would give somebody roles that may not be held together, or leave nobody who
    administers."""


class GroupPages(PageActions, UserGroupModelView):
    """Flask-AppBuilder's pages, which know of roles that exclude each other, and leave somebody who
    administers."""

    def _add(self) -> object:
        self.begin()
        return super()._add()

    def _edit(self, pk: str) -> object:
        self.begin()
        return super()._edit(pk)

    def _delete(self, pk: str) -> object:
        self.begin()
        return super()._delete(pk)

    def pre_add(self, item: Group) -> None:
        """Refuses a group that would give somebody roles which exclude each other."""
        self.refuse(excluded_in(item))

    def pre_update(self, item: Group) -> None:
        """Refuses likewise, and what would take the right to administer from the last one."""
        self.refuse(excluded_in(item))
        self.keep_administrator()

    def pre_delete(self, item: Group) -> None:
        """Refuses what would take that right from the last one."""
        item.users.clear()
        self.keep_administrator()

    def post_add(self, item: Group) -> None:
        """Writes the group into the audit."""
        note_group(item)

    def post_update(self, item: Group) -> None:
        """Writes likewise."""
        note_group(item)

    def post_delete(self, item: Group) -> None:
        """Writes that it is gone."""
        note_group(item, is_gone=True)

    def begin(self) -> None:
        """Makes one transaction of what is sent: the session's statements stand alone otherwise, so
        that what is flushed before a refusal would stay."""
        if request.method == "POST":
            session = self.datamodel.session
            session.rollback()
            is_sqlite = session.connection().dialect.name == "sqlite"
            session.connection().exec_driver_sql("BEGIN IMMEDIATE" if is_sqlite else "BEGIN")

    def keep_administrator(self) -> None:
        """Refuses what the session holds where nobody would administer after it."""
        session = self.datamodel.session
        session.flush()
        try:
            keep_administrator(session.connection(), current.catalog(), "")
        except Conflict as error:
            self.refuse(error.problems)

    def refuse(self, problems: Iterable[Problem]) -> None:
        """Raises GroupRefusedError where there are any, whose text Flask-AppBuilder shows."""
        said = ". ".join(sentence(problem, current.language()) for problem in problems)
        if said:
            self.datamodel.session.rollback()
            raise GroupRefusedError(said)


def note_group(group: Group, *, is_gone: bool = False) -> None:
    """Writes into the audit who holds which roles by a group, in a transaction of its own."""
    values = {
        "group": group.name,
        "roles": [] if is_gone else sorted(role.name for role in group.roles),
        "users": [] if is_gone else sorted(user.username for user in group.users),
    }
    with writing_now() as unit:
        note(unit, "rights", values=values)


def excluded_in(group: Group) -> Iterator[Problem]:
    """Gives the roles that exclude each other, in the group itself or with roles of its users."""
    own = {role.name for role in group.roles}
    held = [own]
    for user in group.users:
        others = (role.name for one in user.groups if one is not group for role in one.roles)
        held.append(own | {role.name for role in user.roles} | set(others))
    known = current.catalog().roles
    found = {
        pair
        for names in held
        for pair in incompatible(known[name] for name in names if name in known)
    }
    for one, other in sorted(found):
        yield Problem("", "roles_exclude_each_other", {"one": one, "other": other})
