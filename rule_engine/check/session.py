"""What all checking functions share: the schema, the findings, and where names start."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rule_engine import core, tree
from rule_engine.check.mentions import Mention, Sort, Thing
from rule_engine.core import Scope
from rule_engine.errors import Diagnostic, Span, finding
from rule_engine.messages import Phrase
from rule_engine.spelling import did_you_mean
from rule_engine.types import FieldType, Kind, ObjectType, Schema

Formula = tree.Define | tree.Table


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a path starts: an object, and the way to its record."""

    scope: Scope
    hops: tuple[core.Hop, ...]
    object: ObjectType


@dataclass(frozen=True, slots=True)
class Place:
    """What an expression may mention where it stands.

    `outer` is what `this` means (None: nothing can be said about it); `sees_changes` allows `old`
    and `changed`; `in_aggregate` holds between an aggregate's brackets; `candidate` is the object
    whose fields stand beside the record's own (the person in `until`).
    """

    record: Origin
    outer: Origin | None
    sees_changes: bool = False
    in_aggregate: bool = False
    candidate: ObjectType | None = None


def place_on(object_type: ObjectType, *, sees_changes: bool = False) -> Place:
    """Gives the place of an expression about a record; `this` is the record itself."""
    record = Origin(Scope.RECORD, (), object_type)
    return Place(record, record, sees_changes=sees_changes)


class FormulaCycleError(Exception):
    """Formulas that refer to each other in a circle; `names` leads around it."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        super().__init__(", ".join(names))


class FormulaDepthError(Exception):
    """Formulas in formulas in formulas: more levels than the checks can go down."""


#: Texts alone stay far below: see syntax.limits.MAX_DEPTH.
MAX_LEVELS = 160
MAX_FORMULAS = 30

#: A formula's name with its output, and the origin it is seen from (scope, hops, object).
FormulaKey = tuple[str, Scope, tuple[core.Hop, ...], str]

CheckFunction = Callable[["Session", Place, tree.Expression], core.Node | None]


@dataclass(slots=True)
class Session:
    """One run of the checker over a text.

    `rules` maps the kinds of tree nodes to their checks; `formulas` holds defines and tables by
    (object, name), `packages` those of all packages, `calendars` the names of calendars;
    `inlining` the names of those being put in place right now, `level` how deep the checks are;
    `conditions` all conditions and ifs written in the text, inner ones before those around them.
    Within a `quiet` session findings are counted but belong to the formula's own place.
    """

    schema: Schema
    rules: Mapping[type[tree.Expression], CheckFunction]
    source: str = "<text>"
    formulas: Mapping[tuple[str, str], Formula] = field(default_factory=dict)
    packages: Mapping[str, Mapping[tuple[str, str], Formula]] = field(default_factory=dict)
    package: str = ""
    calendars: Collection[str] = ()
    found: list[Diagnostic] = field(default_factory=list)
    mentions: list[Mention] = field(default_factory=list)
    conditions: list[core.Node] = field(default_factory=list)
    inlining: tuple[str, ...] = ()
    level: int = 0
    known: dict[FormulaKey, core.Node | None] = field(default_factory=dict)

    def check(self, place: Place, expression: tree.Expression) -> core.Node | None:
        """Gives the checked expression, None when something was reported about it.

        Raises FormulaDepthError, which who puts formulas in place catches.
        """
        if self.level >= MAX_LEVELS:
            raise FormulaDepthError
        self.level += 1
        try:
            return self.rules[type(expression)](self, place, expression)
        finally:
            self.level -= 1

    def report(
        self,
        code: str,
        template: str | Phrase,
        span: Span,
        hint: str | Phrase = "",
        **values: object,
    ) -> None:
        """Notes an error: constant texts with `{name}` places that the values fill."""
        found = finding(code, template, span, hint, **values)
        self.found.append(replace(found, source=self.source))

    def warn(
        self,
        code: str,
        template: str | Phrase,
        span: Span,
        hint: str | Phrase = "",
        **values: object,
    ) -> None:
        """Notes a warning, in the same form."""
        found = finding(code, template, span, hint, **values)
        self.found.append(replace(found, severity="warning", source=self.source))

    def mention(self, sort: Sort, owner: str, name: str, span: Span) -> None:
        """Notes what a name means."""
        self.mentions.append(Mention(Thing(sort, owner, name), span, self.source))

    def quiet(self, inlining: str) -> Session:
        """Gives a session for putting a formula in place; its findings are thrown away."""
        return replace(
            self, found=[], mentions=[], conditions=[], inlining=(*self.inlining, inlining)
        )

    def inside(self, package: str) -> Session:
        """Gives the session with the names of a package."""
        formulas = self.packages.get(package, {})
        return replace(self, package=package, formulas=formulas)

    def object(self, name: tree.Name) -> ObjectType | None:
        """Gives the object of a name; an unknown one is reported."""
        known = self.schema.object(name.text)
        if known is None:
            labels = {
                label: api for api, o in self.schema.objects.items() for label in o.labels.values()
            }
            hint = did_you_mean(name.text, [*self.schema.objects, *labels])
            self.report(
                "unknown_object", 'there is no object "{name}"', name.span, hint, name=name.text
            )
        else:
            self.mention("object", "", known.name, name.span)
        return known

    def field_of(self, path: core.Path) -> FieldType | None:
        """Gives the field that a path ends at."""
        owner = self.schema.object(path.object)
        return owner.fields.get(path.field) if owner is not None else None


def is_kind(node: core.Node, *kinds: Kind) -> bool:
    """Says whether a node gives one of the kinds of values."""
    return node.type.kind in kinds
