"""What stands around every page: navigation, counts, who is logged in."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

import sqlalchemy as sa
from flask import Flask, g, request

from metadata.objects import ObjectDefinition
from trellis import current
from trellis.approvals.inbox import count_pending, number_asked
from trellis.channels.in_app import notification
from trellis.security.absences import absence, is_on
from trellis.security.access import Account
from trellis.service_levels.lists import watched_objects
from trellis.web.addresses import list_address, new_address
from trellis.web.formatting import hue_of
from trellis.web.words import gettext
from trellis.work import reading

WORKSPACE = "Trellis"
THEMES = ("light", "dark")
TAB_OBJECTS = 1
SEARCH = "/search"


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a navigation."""

    label: str
    icon: str
    href: str
    current: bool = False
    count: int = 0
    hot: bool = False
    key: str | None = None
    hue: str = "gray"


@dataclass(frozen=True, slots=True)
class Person:
    """Who is logged in, as the shell shows it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Shell:
    """Everything `shell.html` shows. `tabs` and `more` are for phones; `preview` says with whose
    eyes an administrator looks, nothing for her own."""

    person: Person
    language: str
    here: str
    main: tuple[Item, ...]
    objects: tuple[Item, ...]
    setup: tuple[Item, ...]
    create: tuple[Item, ...]
    home: str = "/"
    search: str = SEARCH
    palette: str = "/palette"
    profile: str = "/profile"
    logout: str = "/logout"
    preview: str = ""

    @property
    def tabs(self) -> tuple[Item, ...]:
        """Gives the phone's bar: home, the object at hand, inbox."""
        chosen = [item for item in self.objects if item.current] or list(self.objects)
        return (self.main[0], *chosen[:TAB_OBJECTS], self.main[1])

    @property
    def more(self) -> tuple[Item, ...]:
        """Gives what the phone's bar has no room for."""
        return (*self.main[2:], *self.objects, *self.setup)


def readable_objects() -> list[ObjectDefinition]:
    """Gives the objects that exist for who asks, in their order; links are no objects to people."""
    principal = current.principal()
    return [
        definition
        for definition in current.catalog().objects.values()
        if principal.access(definition.name).exists and definition.link_of is None
    ]


def is_main(definition: ObjectDefinition) -> bool:
    """Says whether an object has a place of its own in the navigation; people have not."""
    return definition.package != "system" and not is_inner(definition)


def is_inner(definition: ObjectDefinition) -> bool:
    """Says whether records live and die with another one, from which they are reached."""
    is_part = any(
        field.required and field.text("on_delete") == "cascade" for field in definition.references
    )
    ways = (link for links in current.catalog().links.values() for link in links.values())
    is_row = any(link.nested and link.target == definition.name for link in ways)
    return is_part or is_row


def object_item(definition: ObjectDefinition) -> Item:
    """Gives an object's entry."""
    address = list_address(definition.name)
    return Item(
        label=definition.plural(current.language()),
        icon=definition.icon,
        href=address,
        current=request.path.startswith(address),
        hue=definition.hue or hue_of(definition.name),
    )


def create_item(definition: ObjectDefinition) -> Item:
    """Gives the entry that makes a record of an object."""
    return Item(
        label=definition.label(current.language()),
        icon=definition.icon,
        href=new_address(definition.name),
        hue=definition.hue or hue_of(definition.name),
    )


def counts(user_id: str) -> tuple[int, int]:
    """Gives unread notifications and open approvals of somebody: in one statement, unless anybody
    is away, for whom she may stand in."""
    unread = (
        sa.select(sa.func.count())
        .select_from(notification)
        .where(notification.c.user_id == user_id, notification.c.read_at.is_(None))
        .scalar_subquery()
    )
    unit = reading()
    away = sa.select(sa.func.count()).select_from(absence).where(is_on(current.moment().today))
    chosen = sa.select(unread, number_asked(unit, user_id), away.scalar_subquery())
    row = current.connection().execute(chosen).one()
    return int(row[0]), count_pending(unit) if row[2] else int(row[1])


def main_items(user_id: str) -> tuple[Item, ...]:
    """Gives what everybody has: home, inbox, approvals; and clocks."""
    unread, waiting = counts(user_id)
    path = request.path
    return (
        Item(gettext("Home"), "house", "/", path == "/", key="g h"),
        Item(
            *(gettext("Inbox"), "inbox", "/notifications", path.startswith("/notifications")),
            *(unread, bool(unread), "g i"),
        ),
        Item(
            *(gettext("Approvals"), "stamp", "/approvals", path.startswith("/approvals")),
            *(waiting, False, "g a"),
        ),
        *clock_items(path),
    )


def clock_items(path: str) -> tuple[Item, ...]:
    """Gives the page of clocks to who may read records that have any."""
    if not watched_objects(reading()):
        return ()
    here = path.startswith("/service-levels")
    return (Item(gettext("Service levels"), "clock", "/service-levels", here),)


def setup_items() -> tuple[Item, ...]:
    """Gives what administrators have besides."""
    if not current.principal().may_administer:
        return ()
    path = request.path
    people = [
        object_item(definition)
        for definition in readable_objects()
        if definition.package == "system" and not is_inner(definition)
    ]
    here = path.startswith("/setup")
    return (*people, Item(gettext("Setup"), "settings-2", "/setup/objects", here, key="g s"))


def preview_text(account: Account) -> str:
    """Says with whose eyes an administrator looks; nothing for her own."""
    if account.real is None:
        return ""
    if account.id != account.real.id:
        return gettext("You see what %(name)s sees. Nothing can be changed.", name=account.name)
    roles = current.catalog().roles
    names = [roles[name].label(current.language()) for name in account.principal.roles]
    shown = ", ".join(names)
    return gettext("You see what the role %(name)s opens. Nothing can be changed.", name=shown)


def make_shell() -> Shell | None:
    """Gives the shell of the page at hand; None while nobody is logged in."""
    account = current.account() if "account" in g else None
    if account is None:
        return None
    objects = [definition for definition in readable_objects() if is_main(definition)]
    principal = current.principal()
    return Shell(
        person=Person(account.user_id, account.name),
        language=current.language(),
        here=request.full_path.removesuffix("?") if request.method == "GET" else "/",
        main=main_items(account.user_id),
        objects=tuple(object_item(definition) for definition in objects),
        setup=setup_items(),
        preview=preview_text(account),
        create=tuple(
            create_item(definition)
            for definition in objects
            if principal.access(definition.name).create
        ),
    )


def page_context() -> dict[str, object]:
    """Gives what every template knows; a fragment needs no shell."""
    language = current.language() if "account" in g else "en"
    theme = request.cookies.get("theme")
    return {
        "workspace": WORKSPACE,
        "language": language,
        "page_language": {"zh": "zh-CN"}.get(language, language),
        "theme": theme if theme in THEMES else None,
        "sidebar": request.cookies.get("sidebar"),
        "here": quote(request.full_path.removesuffix("?"), safe="/?=&%"),
        "shell": LazyShell(),
    }


class LazyShell:
    """The shell, made when a template first asks for it: fragments never do."""

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made: list[Shell | None] = []

    def __getattr__(self, name: str) -> object:
        if not self._made:
            self._made.append(make_shell())
        shell = self._made[0]
        return None if shell is None else getattr(shell, name)


def install(app: Flask) -> None:
    """Gives every page its shell."""
    app.context_processor(page_context)
