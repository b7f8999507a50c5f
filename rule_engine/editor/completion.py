"""What can be written at a place of a text, finished or not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from rule_engine import tree
from rule_engine.check.mentions import Mention
from rule_engine.check.whole import find_mentions
from rule_engine.editor.context import Around, Wanted, find_wanted, path_to_marker
from rule_engine.editor.grammar_words import words_among
from rule_engine.editor.keywords import keyword_help
from rule_engine.editor.offers import Completion, Reader, offers_for
from rule_engine.editor.unfinished import Unfinished, finish, other_statements, read_until
from rule_engine.types import Schema

__all__ = ["Completion", "complete"]


def complete(
    text: str,
    offset: int,
    schema: Schema,
    *,
    names: Mapping[str, Sequence[str]] | None = None,
    language: str = "en",
) -> list[Completion]:
    """Gives what can be written at an offset (from 0), the most special first.

    The text before need not be finished nor right. What begins with, or is labelled by, the word
    that is being written is kept. `names` are the names of people and templates that the schema
    does not know, by kind: role, team, queue, user, channel, template.
    """
    unfinished = read_until(text, offset)
    if unfinished is None:
        return []
    reader = Reader(schema, names or {}, language)
    found = list(_named(text, offset, unfinished, reader))
    if not unfinished.quote:
        found += _keywords(unfinished, language)
    kept = [one for one in found if _begins(one, unfinished.prefix)]
    unique = {(one.label, one.kind): one for one in reversed(kept)}
    return [replace(one, matches=()) for one in reversed(unique.values())]


def _keywords(unfinished: Unfinished, language: str) -> Iterator[Completion]:
    for word, _ in words_among(unfinished.accepted):
        kind = "keyword" if word[0].isalpha() else "mark"
        yield Completion(word, word, kind, "", keyword_help(word, language))


def _begins(one: Completion, prefix: str) -> bool:
    wanted = prefix.casefold()
    return any(word.casefold().startswith(wanted) for word in (one.label, *one.matches))


def _named(text: str, offset: int, unfinished: Unfinished, reader: Reader) -> Iterable[Completion]:
    """Gives the named things that fit, as the checks of the finished statement tell."""
    ruleset = finish(unfinished)
    if ruleset is None:
        return ()
    others = tree.Ruleset("", "", "", None, tuple(other_statements(text, offset)), "others", "")
    mentions = find_mentions([ruleset, others], reader.schema)
    around = Around(
        path=path_to_marker(ruleset),
        mentions=_by_place(mentions, ruleset.source),
        statements=(*ruleset.statements, *others.statements),
    )
    return (
        offer
        for wanted in find_wanted(around, unfinished, reader.schema)
        for offer in _offer(wanted, unfinished, reader)
    )


def _offer(wanted: Wanted, unfinished: Unfinished, reader: Reader) -> Iterator[Completion]:
    is_text = unfinished.quote == '"'
    for offer in offers_for(wanted, reader):
        if not unfinished.quote or is_text == offer.insert.startswith('"'):
            yield offer


def _by_place(mentions: Iterable[Mention], source: str) -> Mapping[tuple[int, int], Mention]:
    return {(one.span.line, one.span.column): one for one in mentions if one.source == source}
