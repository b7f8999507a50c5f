"""What gets another name between two states, and everything that names it following."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from metadata.catalog import Catalog, build_catalog
from metadata.changes.properties import Stored, match_properties
from metadata.changes.rule_texts import NewNames
from metadata.elements import Element
from metadata.json_text import mapping, pointer, text
from metadata.links import link_name, linking_fields
from metadata.mentions.places import Former, Place, visit_element
from metadata.mentions.things import Renames, renamed_place, things_at
from metadata.parse import parse_object
from metadata.problems import Problem
from metadata.stored import crm_of, is_retired
from rule_engine.check.mentions import Thing
from rule_engine.editor import RenameError
from rule_engine.errors import RuleSyntaxError
from rule_engine.types import Schema

Pair = tuple[Element | None, Element]

OF_OBJECT = frozenset({"view", "layout"})


@dataclass(frozen=True, slots=True)
class Edit:
    """One text that was rewritten: where it stands in its document, before and after.

    In a rule text it is a line, with its number.
    """

    path: str
    before: str
    after: str
    line: int | None = None

    def to_json(self) -> dict[str, object]:
        """Gives the edit as it stands in an operation."""
        told: dict[str, object] = {"path": self.path, "before": self.before, "after": self.after}
        return told if self.line is None else {**told, "line": self.line}


@dataclass(slots=True)
class Rewriting:
    """The wanted elements with new names followed everywhere.

    `edits` are by the key of the element as it is called then; `problems` have the path of an
    element's document in front, as in `/view/lead/all/filter`.
    """

    pairs: list[Pair]
    edits: dict[tuple[str, str], list[Edit]] = field(default_factory=dict)
    problems: list[tuple[tuple[str, str], Problem]] = field(default_factory=list)


def follow_renames(
    old: Sequence[Element], pairs: Sequence[Pair], known: Catalog | None = None
) -> Rewriting:
    """Gives wanted elements in which everything goes by the names it has then.

    `known` is the catalog of the elements in force where there is one.
    """
    renames = dict(find_renames(pairs))
    rewriting = Rewriting(list(pairs))
    if renames:
        schema = (known or build_catalog(0, old)).schema
        Follower(schema, renames, rewriting).follow()
    return rewriting


def find_renames(pairs: Sequence[Pair]) -> Iterator[tuple[Thing, str]]:
    """Gives what gets another name, by its name until now."""
    for before, after in pairs:
        if before is None or before == after or is_retired(before.body):
            continue
        if before.name != after.name:
            yield from renamed_element(before, after)
        if before.kind == "object":
            fields = dict(renamed_fields(before, after))
            for was, name in fields.items():
                if was != name:
                    yield Thing("field", before.name, was), name
                yield from renamed_options(before, after, was, name)
            yield from renamed_links(before, after, fields)


def renamed_element(before: Element, after: Element) -> Iterator[tuple[Thing, str]]:
    """Gives an object, view or layout that is called otherwise."""
    if before.kind == "object":
        yield Thing("object", "", before.name), after.name
    elif before.kind in OF_OBJECT:
        owner, _, was = before.name.partition("/")
        _, _, name = after.name.partition("/")
        if was != name:
            yield Thing(before.kind, owner, was), name  # type: ignore[arg-type]  # one of the two


def renamed_fields(before: Element, after: Element) -> Iterator[tuple[str, str]]:
    """Gives the fields in use that go on, by their names until now and from now on."""
    stored = {
        name: Stored(name, mapping(one))
        for name, one in mapping(before.body.get("properties")).items()
    }
    wanted = mapping(after.body.get("properties"))
    for name, was in match_properties(stored, wanted).items():
        if not stored[was].retired and not is_retired(mapping(wanted[name])):
            yield was, name


def renamed_options(
    before: Element, after: Element, was: str, name: str
) -> Iterator[tuple[Thing, str]]:
    """Gives a field's options that are called otherwise."""
    old = mapping(mapping(before.body.get("properties")).get(was))
    wanted = mapping(mapping(after.body.get("properties")).get(name))
    for former, value in renamed_values(old, wanted).items():
        yield Thing("option", f"{before.name}.{was}", former), value


def renamed_values(old: Mapping[str, object], wanted: Mapping[str, object]) -> dict[str, str]:
    """Gives options that have another API value, by the one until now."""
    known, values = option_values_of(old), option_values_of(wanted)
    found: dict[str, str] = {}
    for value, described in mapping(crm_of(wanted).get("options")).items():
        former = text(mapping(described).get("renamed_from"))
        if former in known and former not in values and value in values and value not in known:
            found[str(former)] = value
    return found


def option_values_of(document: Mapping[str, object]) -> list[str]:
    """Gives the API values of a property's options."""
    listed = document.get("enum") or mapping(document.get("items")).get("enum")
    if isinstance(listed, (list, tuple)):
        return [str(value) for value in listed if value is not None]
    return list(mapping(crm_of(document).get("options")))


def renamed_links(
    before: Element, after: Element, fields: Mapping[str, str]
) -> Iterator[tuple[Thing, str]]:
    """Gives the ways back over an object's references that are called otherwise.

    `fields` gives the fields' names from now on by those until now.
    """
    if before.body == after.body:
        return
    names = link_names(after)
    for was, (target, link) in link_names(before).items():
        found = names.get(fields.get(was, ""))
        if found is not None and found[1] != link:
            yield Thing("link", target, link), found[1]


def link_names(element: Element) -> dict[str, tuple[str, str]]:
    """Gives for an object's references what they lead to, and the name of the way back."""
    definition, _ = parse_object(element.name, element.body, package=element.package)
    if definition is None:
        return {}
    return {
        one.name: (str(one.target), link_name(definition, one))
        for one in linking_fields(definition)
    }


class Follower:
    """Rewrites wanted elements so that they use new names."""

    def __init__(self, schema: Schema, renames: Renames, rewriting: Rewriting) -> None:
        self.schema = schema
        self.renames = renames
        self.names = NewNames(schema, renames)
        self.rewriting = rewriting
        self.objects = {
            name: thing.name for thing, name in renames.items() if thing.sort == "object"
        }

    def follow(self) -> None:
        """Rewrites documents and rule texts, and moves views and layouts with their objects."""
        self.rewriting.pairs[:] = [
            (before, self.document(before, self.moved(wanted)))
            for before, wanted in self.rewriting.pairs
        ]
        self.rule_texts()

    def moved(self, wanted: Element) -> Element:
        """Gives a view or layout under the name that its object has then."""
        owner, _, name = wanted.name.partition("/")
        new = self.renames.get(Thing("object", "", owner))
        keys = {other.key for _, other in self.rewriting.pairs}
        moved = replace(wanted, name=f"{new}/{name}")
        if wanted.kind not in OF_OBJECT or new is None or moved.key in keys:
            return wanted
        self.note(moved.key, Edit("", wanted.name, moved.name))
        return moved

    def note(self, key: tuple[str, str], edit: Edit) -> None:
        """Notes a rewritten text."""
        self.rewriting.edits.setdefault(key, []).append(edit)

    def document(self, before: Element | None, wanted: Element) -> Element:
        """Gives an element with other names in its document."""

        def visit(place: Place) -> str:
            return self.text(wanted, place)

        former = Former(self.former_name(before, wanted), self.objects, {})
        if before is not None and wanted.kind == "object":
            names = {name: was for was, name in renamed_fields(before, wanted)}
            former = replace(former, fields=names)
        body = visit_element(wanted, self.schema, visit, former)
        return wanted if body == wanted.body else replace(wanted, body=mapping(body))

    def former_name(self, before: Element | None, wanted: Element) -> str:
        """Gives the name that an element's object had."""
        if before is not None and wanted.kind == "object":
            return before.name
        owner, slash, rest = wanted.name.partition("/")
        return f"{self.objects.get(owner, owner)}{slash}{rest}"

    def text(self, element: Element, place: Place) -> str:
        """Gives a text with other names; what cannot be rewritten is noted and left."""
        where = pointer(place.parts)
        if self.names.taken.intersection(things_at(place, self.schema)):
            self.refuse(element, where, place.text)
            return place.text
        try:
            renamed = renamed_place(place, self.schema, self.renames)
        except RuleSyntaxError:
            return place.text  # the checks say what is wrong with it
        except RenameError:
            self.refuse(element, where, place.text)
            return place.text
        if renamed != place.text:
            self.note(element.key, Edit(where, place.text, renamed))
        return renamed

    def refuse(self, element: Element, where: str, written: str) -> None:
        """Notes a text in which a new name would mean something else."""
        names = list(dict.fromkeys(self.renames.values()))
        values = {"text": written, "names": names}
        self.rewriting.problems.append((element.key, Problem(where, "cannot_rewrite", values)))

    def rule_texts(self) -> None:
        """Rewrites the rule texts."""
        rules = [wanted for _, wanted in self.rewriting.pairs if wanted.kind == "rules"]
        try:
            renamed = self.names.follow(
                {one.name: text(one.body.get("text")) or "" for one in rules}
            )
        except RenameError as error:
            self.refuse_rules(rules, error)
            return
        self.rewriting.pairs[:] = [
            (before, self.with_text(wanted, renamed) if wanted.kind == "rules" else wanted)
            for before, wanted in self.rewriting.pairs
        ]

    def refuse_rules(self, rules: Sequence[Element], error: RenameError) -> None:
        """Notes that rule texts would mean something else with the new names."""
        known = {element.name: element for element in rules}
        found = [one for one in error.findings if one.source in known]
        sources = list(dict.fromkeys(one.source for one in found)) or [next(iter(known))]
        for source in sources:
            self.refuse(known[source], "", str(error.said))

    def with_text(self, wanted: Element, renamed: Mapping[str, str]) -> Element:
        """Gives a rule file with its rewritten text."""
        before = text(wanted.body.get("text")) or ""
        after = renamed.get(wanted.name, before)
        if after == before:
            return wanted
        lines = zip(before.splitlines(), after.splitlines(), strict=False)
        for number, (old_line, new_line) in enumerate(lines, 1):
            if old_line != new_line:
                edit = Edit("/text", old_line.strip(), new_line.strip(), number)
                self.note(wanted.key, edit)
        return replace(wanted, body={**wanted.body, "text": after})
