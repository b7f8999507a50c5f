"""`/groups`: groups of users, who hold the roles of their group beside their own."""

from __future__ import annotations

from collections.abc import Iterator

from flask_appbuilder.security.sqla.models import Group
from flask_appbuilder.security.views import UserGroupModelView

from metadata.problems import Problem, sentence
from metadata.roles import incompatible
from trellis import current
from trellis.audit import note
from trellis.security.page_actions import PageActions
from trellis.work import writing_now


class ExcludedRolesError(Exception):
    """A group would give somebody roles that may not be held together."""


class GroupPages(PageActions, UserGroupModelView):
    """Flask-AppBuilder's pages, which know of roles that exclude each other."""

    def pre_add(self, item: Group) -> None:
        """Refuses a group that would give somebody roles which exclude each other."""
        self.refuse_excluded(item)

    def pre_update(self, item: Group) -> None:
        """Refuses likewise."""
        self.refuse_excluded(item)

    def post_add(self, item: Group) -> None:
        """Writes the group into the audit."""
        note_group(item)

    def post_update(self, item: Group) -> None:
        """Writes likewise."""
        note_group(item)

    def post_delete(self, item: Group) -> None:
        """Writes that it is gone."""
        note_group(item, is_gone=True)

    def refuse_excluded(self, item: Group) -> None:
        """Raises ExcludedRolesError, whose text Flask-AppBuilder shows."""
        problems = list(excluded_in(item))
        if problems:
            self.datamodel.session.rollback()
            said = ". ".join(sentence(problem, current.language()) for problem in problems)
            raise ExcludedRolesError(said)


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
