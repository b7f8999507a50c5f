"""Rule texts that go by new names: those in force, and those that somebody still keeps to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from metadata.mentions.find import is_readable
from metadata.mentions.things import Renames
from rule_engine.check.mentions import Thing
from rule_engine.editor import rename_things
from rule_engine.types import Schema


class NewNames:
    """New names of things. `schema` is the one before; `taken` are other things in force that have
    one of these names."""

    def __init__(self, schema: Schema, renames: Renames) -> None:
        self.schema = schema
        self.renames = renames
        self.taken = frozenset(
            replace(thing, name=name)
            for thing, name in renames.items()
            if replace(thing, name=name) not in renames and self.is_known(thing, name)
        )

    def follow(self, texts: Mapping[str, str]) -> Mapping[str, str]:
        """Gives rule texts, by source, with the new names; one that does not parse stays.

        Raises RenameError when a new name would mean something else.
        """
        if not self.renames or not self.may_concern(texts.values()):
            return texts
        readable = {source: written for source, written in texts.items() if is_readable(written)}
        return {**texts, **rename_things(readable, self.schema, self.renames)}

    def is_known(self, thing: Thing, name: str) -> bool:
        """Says whether something in force has a name that another thing gets."""
        owner, _, field_name = thing.owner.partition(".")
        there = self.schema.objects.get(owner)
        if thing.sort == "object":
            return name in self.schema.objects
        if there is None:
            return False
        if thing.sort == "option":
            known = there.fields.get(field_name)
            return known is not None and name in known.options
        return thing.sort in {"field", "link"} and (name in there.fields or name in there.links)

    def may_concern(self, texts: Iterable[str]) -> bool:
        """Says whether texts spell a name that changes, by API name or label, or that is new."""
        words = {*self.renames.values()}.union(*map(self.names_of, (*self.renames, *self.taken)))
        spelled = "\n".join(texts).casefold()
        return any(word.casefold() in spelled for word in words)

    def names_of(self, thing: Thing) -> set[str]:
        """Gives what texts may call a thing."""
        owner, _, field_name = thing.owner.partition(".")
        there = self.schema.objects.get(thing.name if thing.sort == "object" else owner)
        labelled: Mapping[str, str] = {}
        if there is not None and thing.sort == "object":
            labelled = there.labels
        elif there is not None and thing.sort == "option" and field_name in there.fields:
            option = there.fields[field_name].options.get(thing.name)
            labelled = {} if option is None else option.labels
        elif there is not None and thing.name in there.fields:
            labelled = there.fields[thing.name].labels
        return {thing.name, *labelled.values()}
