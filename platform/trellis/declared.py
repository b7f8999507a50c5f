"""What each route does, declared beside it: the test of routes fails on one that does not say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

View = TypeVar("View", bound=Callable[..., object])

# The object of a route whose address names it.
ANY_OBJECT = "*"


@dataclass(frozen=True, slots=True)
class Declaration:
    """The object a route is about and what it does with it, in the words of rights.

    `object` is an API name, "*" for the one in the address, or "" for none (a page of the person
    herself, a check of health); `action` is one of `metadata.access.ACTIONS`, create, administer,
    or "" where nothing is asked for.
    """

    object: str
    action: str


def declares(object_name: str, action: str) -> Callable[[View], View]:
    """Marks a view with what it does."""

    def mark(view: View) -> View:
        view.declaration = Declaration(object_name, action)  # type: ignore[attr-defined]  # functions take attributes
        return view

    return mark


def declaration_of(view: Callable[..., object]) -> Declaration | None:
    """Gives what a view declares."""
    found: Declaration | None = getattr(view, "declaration", None)
    return found
