"""What people are told by whichever channel, in words: the rule's own, or a known kind's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from metadata.catalog import Catalog
from metadata.json_text import mapping
from metadata.problems import LANGUAGES, DefinitionError, in_words
from rule_engine.messages import Phrase
from trellis.errors import RecordError
from trellis.phrases import Sentence

ESCALATION: Final = "escalation"
ESCALATED: Final = "escalated"
"""How a history says whom an escalation told: the word, and their ids behind it."""
QUARANTINE: Final = "rule_quarantine"
STOPPED: Final = "approval_stopped"
REFUSED: Final = "service_level_refused"
UNKNOWN_YEAR: Final = "calendar_year"
TOLD: Final = {
    "waiting": "approval_waiting",
    "remind": "approval_reminder",
    "overdue": "approval_overdue",
}
"""What approvers are told, by the effect that says so."""

SENTENCES: Final = {
    TOLD["waiting"]: Sentence("{approval} for {record} waits for you"),
    TOLD["remind"]: Sentence("{approval} for {record} is due soon"),
    TOLD["overdue"]: Sentence("{approval} for {record} is overdue"),
    "recycle_warning": Sentence(
        "{record} goes back to its queue soon unless something is done with it"
    ),
    "recycled": Sentence("{record} went back to its queue: nothing was done with it"),
    ESCALATION: Sentence("{record} needs your attention"),
    STOPPED: Sentence("{approval} for {record} does not go on by itself: {reason}"),
    QUARANTINE: Sentence("The rule {rule} is in quarantine: what it leaves is held"),
    REFUSED: Sentence(
        "{rule} cannot do for {record} what is due at {percent}%: {reason}. Once that is put "
        "right, have it tried again in Setup › Background work"
    ),
    UNKNOWN_YEAR: Sentence(
        "The calendar {calendar} does not know the days off of {year} yet: update the Python "
        "package holidays, or write them in the calendar"
    ),
}
TITLES: Final = {
    TOLD["waiting"]: Sentence("An approval waits"),
    TOLD["remind"]: Sentence("An approval is due soon"),
    TOLD["overdue"]: Sentence("An approval is overdue"),
    "recycle_warning": Sentence("A record goes back to its queue soon"),
    "recycled": Sentence("A record went back to its queue"),
    ESCALATION: Sentence("A record was escalated"),
    STOPPED: Sentence("An approval does not go on by itself"),
    QUARANTINE: Sentence("A rule is in quarantine"),
    REFUSED: Sentence("A service level cannot do what is due"),
    UNKNOWN_YEAR: Sentence("A calendar does not know a year"),
}
"""What the kinds are called where they are listed."""
ENDINGS: Final = {
    "approved": Sentence("{record} was approved"),
    "rejected": Sentence("{record} was rejected"),
}
"""What templates of rules say that have no words of their own, by how they end."""
A_RECORD: Final = Sentence("a record")


def told(error: Exception) -> Mapping[str, str]:
    """Gives by language what to tell of an error: its problems in words, or else what it says."""
    if isinstance(error, RecordError | DefinitionError) and error.problems:
        return {language: in_words(error.problems, language) for language in LANGUAGES}
    return dict.fromkeys(LANGUAGES, f"{type(error).__name__}: {error}")


def sentence_of(
    catalog: Catalog,
    language: str,
    kind: str,
    title: str,
    values: Mapping[str, object],
    name: str,
) -> str:
    """Words a message: the rule's own text, a known kind, or the template's name.

    `name` is the record's as the reader may see it, "" for one that is not to be named.
    """
    if title:
        return catalog.message(title, language)
    ending = next((ENDINGS[word] for word in ENDINGS if kind.endswith(word)), None)
    known = SENTENCES.get(kind, ending)
    if known is not None:
        labels = ("approval", "calendar")
        told = {one: catalog.message(str(values.get(one) or ""), language) for one in labels}
        told |= {one: str(values.get(one) or "") for one in ("rule", "year", "percent")}
        reason = mapping(values.get("reason")).get(language, "")
        filled = {**told, "record": name or A_RECORD.in_language(language), "reason": reason}
        said: Phrase = Sentence(known.template, filled)
        return said.in_language(language)
    text = catalog.message(kind, language)
    words = text if text != kind else kind.replace("_", " ").capitalize()
    return f"{words}: {name}" if name else words
