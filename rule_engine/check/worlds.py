"""The world of a test: an object whose fields are the given records, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rule_engine.types import FieldType, Kind, Link, ObjectType, Option, Schema, Type

TEST_OBJECT = "test"
CLOCK_OBJECT = "test_clock"
NOTIFICATION_OBJECT = "test_notification"
CALL_OBJECT = "test_call"


@dataclass(frozen=True, slots=True)
class WorldField:
    """A given record, or something that the tested process tells."""

    name: str
    type: Type
    target: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    nullable: bool = True
    writable: bool = False
    options: Mapping[str, Option] = field(default_factory=dict)
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class WorldLink:
    """Records that rules made or sent while the test ran."""

    name: str
    target: str
    field: str = TEST_OBJECT
    many: bool = True


@dataclass(frozen=True, slots=True)
class WorldObject:
    """An object that only tests know."""

    name: str
    labels: Mapping[str, str]
    fields: Mapping[str, FieldType]
    links: Mapping[str, Link] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorldSchema:
    """A schema with the objects of one test in front of it."""

    behind: Schema
    own: Mapping[str, ObjectType]

    @property
    def objects(self) -> Mapping[str, ObjectType]:
        """Gives all objects, the test's own ones too."""
        return {**self.behind.objects, **self.own}

    def object(self, name: str) -> ObjectType | None:
        """Gives an object by name, else by an unambiguous label."""
        return self.own.get(name) or self.behind.object(name)


def world_of(given: Mapping[str, str], schema: Schema) -> WorldObject:
    """Gives the object of a test's world; `given` maps names to objects.

    What rules made are its links: `created_task` for each object, `notifications`, `calls`.
    """
    fields: dict[str, FieldType] = {
        name: WorldField(name, Type(Kind.REFERENCE, target=target), target)
        for name, target in given.items()
    }
    for told in ("pending_step", "reason"):
        fields.setdefault(told, WorldField(told, Type(Kind.TEXT)))
    made = {f"created_{name}": name for name in schema.objects}
    made |= {"notifications": NOTIFICATION_OBJECT, "calls": CALL_OBJECT}
    links = {name: WorldLink(name, target) for name, target in made.items()}
    return WorldObject(TEST_OBJECT, {"en": "This test"}, fields, links)


def messages() -> Mapping[str, ObjectType]:
    """Gives the objects of what rules send: notifications (one for each person) and calls."""
    text, person = Type(Kind.TEXT), Type(Kind.REFERENCE, target="user")
    notification = {
        "recipient": WorldField("recipient", person, "user"),
        "template": WorldField("template", text),
        "channel": WorldField("channel", text),
    }
    call = {"target": WorldField("target", text)}
    return {
        NOTIFICATION_OBJECT: WorldObject(NOTIFICATION_OBJECT, {"en": "Notification"}, notification),
        CALL_OBJECT: WorldObject(CALL_OBJECT, {"en": "Call"}, call),
    }


def with_clocks(owner: ObjectType, targets: tuple[str, ...]) -> Mapping[str, ObjectType]:
    """Gives an object whose service level's targets are fields with elapsed, due, breached."""
    clock = Type(Kind.REFERENCE, target=CLOCK_OBJECT)
    fields = {name: WorldField(name, clock, CLOCK_OBJECT) for name in targets}
    told = {
        "elapsed": WorldField("elapsed", Type(Kind.CLOCK_LENGTH)),
        "due": WorldField("due", Type(Kind.INSTANT)),
        "breached": WorldField("breached", Type(Kind.BOOLEAN)),
    }
    return {
        owner.name: WorldObject(owner.name, owner.labels, {**fields, **owner.fields}, owner.links),
        CLOCK_OBJECT: WorldObject(CLOCK_OBJECT, {"en": "Target"}, told),
    }
