"""Lists of records: the saved view that was asked for, shown by its view type."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response

from metadata.objects import ObjectDefinition
from metadata.views import ViewDefinition
from trellis import current
from trellis.declared import ANY_OBJECT, declares
from trellis.views import ViewRequest, view_types
from trellis.web.doors import is_fragment, make_blueprint, object_for
from trellis.work import reading

blueprint = make_blueprint("lists", "/o")

USUAL_TYPE = "list"


@blueprint.get("/<object_name>/")
@declares(ANY_OBJECT, "read")
def show(object_name: str) -> str | tuple[str, int] | Response:
    """Shows a list, board, calendar …"""
    definition, _access = object_for(object_name)
    view = chosen_view(definition)
    types = view_types()
    kind = types.get(view.type) or types[USUAL_TYPE]
    question = ViewRequest(
        unit=reading(),
        object=definition,
        view=view,
        views=offered(definition),
        arguments=request.args,
        language=current.language(),
        is_fragment=is_fragment(),
    )
    return kind.show(question)


def offered(definition: ObjectDefinition) -> tuple[ViewDefinition, ...]:
    """Gives the views that are offered to who asks and can be shown, in their order."""
    roles = current.principal().roles
    views = current.catalog().views(definition.name).values()
    found = tuple(v for v in views if v.offered_to(roles) and v.type in view_types())
    return found or (current.catalog().default_view(definition.name, roles),)


def chosen_view(definition: ObjectDefinition) -> ViewDefinition:
    """Gives the view that the address names, else the one the object opens with."""
    views = {view.name: view for view in offered(definition)}
    named = views.get(request.args.get("view", ""))
    usual = current.catalog().default_view(definition.name, current.principal().roles)
    return named or views.get(usual.name) or next(iter(views.values()))
