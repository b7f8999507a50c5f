"""What all checking functions share: the schema, the findings, and where names start."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rule_engine import core, tree
from rule_engine.core import Scope
from rule_engine.errors import Diagnostic, Span
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


#: A formula's name with its output, and the origin it is seen from (scope, hops, object).
FormulaKey = tuple[str, Scope, tuple[core.Hop, ...], str]

CheckFunction = Callable[["Session", Place, tree.Expression], core.Node | None]


@dataclass(slots=True)
class Session:
    """One run of the checker over a text.

    `rules` maps the kinds of tree nodes to their checks; `formulas` holds defines and tables by
    (object, name); `inlining` the names of those being put in place right now. Within a `quiet`
    session findings are counted but belong to the formula's own place.
    """

    schema: Schema
    rules: Mapping[type[tree.Expression], CheckFunction]
    source: str = "<text>"
    formulas: Mapping[tuple[str, str], Formula] = field(default_factory=dict)
    found: list[Diagnostic] = field(default_factory=list)
    inlining: tuple[str, ...] = ()
    known: dict[FormulaKey, core.Node | None] = field(default_factory=dict)

    def check(self, place: Place, expression: tree.Expression) -> core.Node | None:
        """Gives the checked expression, None when something was reported about it."""
        return self.rules[type(expression)](self, place, expression)

    def report(self, code: str, message: str, span: Span, hint: str = "", **values: object) -> None:
        """Notes an error."""
        self.found.append(
            Diagnostic(message, span, code, hint=hint, values=values, source=self.source)
        )

    def warn(self, code: str, message: str, span: Span, hint: str = "", **values: object) -> None:
        """Notes a warning."""
        finding = Diagnostic(message, span, code, hint, "warning", values, self.source)
        self.found.append(finding)

    def quiet(self, inlining: str) -> Session:
        """Gives a session for putting a formula in place; its findings are thrown away."""
        return replace(self, found=[], inlining=(*self.inlining, inlining))

    def object(self, name: tree.Name) -> ObjectType | None:
        """Gives the object of a name; an unknown one is reported."""
        known = self.schema.object(name.text)
        if known is None:
            labels = {
                label: api for api, o in self.schema.objects.items() for label in o.labels.values()
            }
            hint = did_you_mean(name.text, [*self.schema.objects, *labels])
            message = f'there is no object "{name.text}"'
            self.report("unknown_object", message, name.span, hint, name=name.text)
        return known

    def field_of(self, path: core.Path) -> FieldType | None:
        """Gives the field that a path ends at."""
        owner = self.schema.object(path.object)
        return owner.fields.get(path.field) if owner is not None else None


def is_kind(node: core.Node, *kinds: Kind) -> bool:
    """Says whether a node gives one of the kinds of values."""
    return node.type.kind in kinds
