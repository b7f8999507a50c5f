"""View types, an open family: each folder here holds one `VIEW` and its templates.

A view type shows the records of an object in one way: list, board, calendar and so on.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Protocol

from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from metadata.objects import ObjectDefinition
from metadata.views import ViewDefinition
from trellis.unit import Unit


@dataclass(frozen=True, slots=True)
class ViewRequest:
    """What a view type is asked to show: a saved view, and what the address says besides.

    `views` are all views offered to the reader, for the tabs. `is_fragment` asks for the part that
    an earlier answer of the same view wants to add.
    """

    unit: Unit
    object: ObjectDefinition
    view: ViewDefinition
    views: tuple[ViewDefinition, ...]
    arguments: MultiDict[str, str]
    language: str
    is_fragment: bool


class ViewType(Protocol):
    """One way to look at records."""

    @property
    def name(self) -> str:
        """The word in a view's `type`."""
        ...

    @property
    def icon(self) -> str:
        """The icon beside its name."""
        ...

    def show(self, request: ViewRequest) -> str | tuple[str, int] | Response:
        """Gives the page, or the fragment that was asked for."""
        ...


@cache
def view_types() -> Mapping[str, ViewType]:
    """Gives all view types by name."""
    modules = (
        import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)
    )
    types: list[ViewType] = [module.VIEW for module in modules]
    return {kind.name: kind for kind in types}
