"""What the platform says of rules: from constant texts, in English and in Chinese."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

import trellis
from rule_engine.messages import PLACES
from tests.rule_engine.message_texts import HALF_WIDTH, Text, Unreadable, read_source
from trellis.phrases import Sentence, translations

ZH = translations("zh")
# The titles of errors; Pythons differ in some of these names.
TITLES = {one.phrase for one in HTTPStatus if one >= HTTPStatus.BAD_REQUEST}
TITLES |= {"Request Entity Too Large", "Content Too Large", "Request-URI Too Long", "URI Too Long"}
TITLES |= {"Requested Range Not Satisfiable", "Range Not Satisfiable"}
TITLES |= {"Unprocessable Entity", "Unprocessable Content"}
SAID = list(read_source(Path(trellis.__file__).parent, {"Sentence": ((0, "template"),)}))


def test_every_sentence_is_a_constant_with_its_chinese() -> None:
    assert [one.where for one in SAID if isinstance(one, Unreadable)] == []
    wanted = {one.template for one in SAID if isinstance(one, Text)} | TITLES
    assert (sorted(wanted - set(ZH)), sorted(set(ZH) - wanted)) == ([], [])
    assert [text for text in wanted if places(text) != places(ZH[text])] == []
    assert [text for text in ZH.values() if HALF_WIDTH.search(text)] == []


def places(text: str) -> list[str]:
    return sorted(PLACES.findall(text))


def test_a_sentence_is_worded_for_its_reader() -> None:
    said = Sentence("assign {name}: to {to}", {"name": "givers", "to": Sentence("nobody")})
    assert [str(said), said.in_language("zh"), said.in_language("fr")] == [
        "assign givers: to nobody",
        "assign givers：分配给 无人",
        "assign givers: to nobody",
    ]
