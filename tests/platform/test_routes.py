"""Every route of the API says what it is about: object and action (SEC-04)."""

from __future__ import annotations

from flask import Flask

from metadata.access import ACTIONS
from trellis.declared import ANY_OBJECT, declaration_of

KNOWN_ACTIONS = {*ACTIONS, "create", "administer", ""}

# Flask-AppBuilder's own: they log in, or answer only what FAB's permissions let through.
FOREIGN = ("SecurityApi.", "MenuApi.", "OpenApi.", "IndexView.")


def test_each_api_route_declares_object_and_action(app: Flask) -> None:
    undeclared = []
    for rule in app.url_map.iter_rules():
        is_ours = rule.rule.startswith(("/api/", "/schemas/"))
        if not is_ours or rule.endpoint.startswith(FOREIGN):
            continue
        found = declaration_of(app.view_functions[rule.endpoint])
        if found is None:
            undeclared.append(rule.rule)
            continue
        assert found.action in KNOWN_ACTIONS, rule.rule
        assert (found.object == ANY_OBJECT) == ("<object_name>" in rule.rule), rule.rule
    assert undeclared == []
