"""What Flask-AppBuilder's pages do with records chosen in a list."""

from __future__ import annotations

from collections.abc import Mapping

from flask import abort


class PageActions:
    """Answers 404 to actions that a page does not have; Flask-AppBuilder itself would fail."""

    actions: Mapping[str, object]

    def get_action_permission_name(self, name: str) -> str:
        """Gives the permission that an action needs."""
        if name not in self.actions:
            abort(404)
        permission: str = super().get_action_permission_name(name)  # type: ignore[misc]  # a view's own
        return permission
