"""Why something was written, worded for its reader.

Automation keeps no sentences: it writes what happened to which object (`quote_line changed`),
what became of which approval (`Discount: approved`), whom it told (`escalated <id> <id>`), or a
word. What a person gives as reason is
kept and shown as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from trellis.automation.approval_effects import Word
from trellis.phrases import Sentence
from trellis.unit import Unit
from trellis.wording import ESCALATED

PERSONAL: Final = frozenset({"page", "api", "import"})
WORDS: Final[Mapping[str, Sentence]] = {
    "rescored": Sentence("score brought up to date"),
    "computed": Sentence("computed anew"),
    "recycled": Sentence("went back to its queue: nothing was done with it"),
}
DONE: Final[Mapping[str, Sentence]] = {
    "merged": Sentence("merged into another record"),
    "unmerged": Sentence("merge taken back"),
    "departed": Sentence("left the company"),
}
"""Words for what people do by a use case that writes no reason of theirs, through any door."""
LEFT: Final = Sentence("{name} left the company")
HAPPENED: Final[Mapping[str, Sentence]] = {
    "changed": Sentence("{object} changed"),
    "deleted": Sentence("{object} deleted"),
    "restored": Sentence("{object} restored"),
}
DECIDED: Final[Mapping[Word, Sentence]] = {
    "submitted": Sentence("{label}: submitted"),
    "approved": Sentence("{label}: approved"),
    "rejected": Sentence("{label}: rejected"),
    "recalled": Sentence("{label}: recalled"),
    "restarted": Sentence("{label}: started anew, as what it is about has changed"),
    "signer added": Sentence("{label}: another signer was added"),
    "forwarded": Sentence("{label}: forwarded"),
    "handed over": Sentence("{label}: handed over, as who was asked has left"),
    "its time was over": Sentence("{label}: its time was over"),
}


def worded(unit: Unit, why: str | None, channel: str, language: str) -> str | None:
    """Gives why something was written in a language; nothing of an object that the reader does
    not know."""
    if not why:
        return None
    if channel not in PERSONAL and why in WORDS:
        return WORDS[why].in_language(language)
    if why in DONE:
        return DONE[why].in_language(language)
    person, _space, verb = why.rpartition(" ")
    if channel not in PERSONAL and person and verb == "departed":
        return replace(LEFT, values={"name": person}).in_language(language)
    label, _colon, word = why.rpartition(": ")
    decided = next((said for one, said in DECIDED.items() if one == word), None)
    if label and decided is not None:
        values = {"label": unit.catalog.message(label, language)}
        return replace(decided, values=values).in_language(language)
    name, _space, verb = why.partition(" ")
    if channel not in PERSONAL and name in unit.catalog.objects and verb in HAPPENED:
        if not unit.principal.access(name).exists:
            return None
        values = {"object": unit.catalog.objects[name].label(language)}
        return replace(HAPPENED[verb], values=values).in_language(language)
    if channel not in PERSONAL and name == ESCALATED:
        return escalated(unit, verb.split(), language)
    return unit.catalog.message(why, language)


def escalated(unit: Unit, people: Sequence[str], language: str) -> str:
    """Gives who was told of an escalation, as far as the reader may know them."""
    known = unit.records().names("user", people) if unit.principal.access("user").exists else {}
    names = [known[one] for one in people if one in known]
    said = Sentence("escalated to {people}", {"people": names}) if names else Sentence("escalated")
    return said.in_language(language)
