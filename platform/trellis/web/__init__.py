"""The pages: thin doors that read a request, call a use case and fill a template."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, g
from jinja2 import ChoiceLoader, FileSystemLoader, PrefixLoader

from trellis import current, views
from trellis.web import (
    absences,
    approval_others,
    decisions,
    duplicates,
    files,
    form_live,
    formatting,
    gallery,
    home,
    hooks,
    lists,
    lookup,
    mail,
    notifications,
    past,
    points,
    preview,
    record_access,
    records,
    search,
    service_levels,
    shell,
    transfer,
    why_changed,
)
from trellis.web.setup import (
    assistance,
    audit,
    background,
    fields,
    objects,
    packages,
    people,
    publishing,
    raw,
    rules,
    scores,
    webhook_inbox,
    webhooks,
)

BLUEPRINTS = (
    *(home.blueprint, lookup.blueprint, search.blueprint, approval_others.blueprint),
    *(notifications.blueprint, preview.blueprint, people.blueprint),
    *(absences.blueprint, transfer.blueprint, past.blueprint, points.blueprint),
    *(why_changed.blueprint, service_levels.blueprint),
    *(objects.blueprint, fields.blueprint, publishing.blueprint, packages.blueprint),
    *(assistance.blueprint, raw.blueprint, audit.blueprint),
    *(webhooks.blueprint, webhook_inbox.blueprint),
    *(background.blueprint, rules.blueprint, scores.blueprint),
    *(files.blueprint, duplicates.blueprint, record_access.blueprint),
    *(records.blueprint, form_live.blueprint, lists.blueprint),
)


def install(app: Flask) -> None:
    """Puts the pages into the application."""
    own = app.jinja_loader
    view_folders = PrefixLoader({"views": FileSystemLoader(Path(views.__path__[0]))})
    app.jinja_loader = ChoiceLoader([*([own] if own else []), view_folders])
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals["role_label"] = role_label
    formatting.install(app)
    shell.install(app)
    hooks.install(app)
    mail.install(app)
    decisions.install(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    if app.debug:
        app.register_blueprint(gallery.blueprint)


def role_label(name: str) -> str:
    """Gives a role's title in the reader's language."""
    role = current.catalog().roles.get(name) if "account" in g else None
    return role.label(current.language()) if role else name
