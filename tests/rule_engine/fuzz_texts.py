"""Inputs that nobody would write: damaged rule texts, texts of the grammar, nonsense and noise.

Each is made from a number alone, so that a failure can be had again.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import sqlalchemy as sa

from rule_engine import parse, tree
from rule_engine.editor.repair import cut_statements
from rule_engine.types import Schema
from tests.plugins.test_crm_rules import crm_schema
from tests.rule_engine.grammar_texts import TERMINALS, make_text
from tests.rule_engine.law_world import make_tables
from tests.rule_engine.schemas import SCHEMA
from tests.rule_engine.test_docs import SCHEMA as PAGE_SCHEMA
from tests.rule_engine.test_docs import TEXTS as PAGE_TEXTS

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
_TOKEN = re.compile(r'"[^"\n]*"|\w+|\s+|[^\w\s]')
_HEAD = re.compile(r"(?:calendar|define|table|score|validate|rule|assign|approval|sla) +(\w+)")


@dataclass(frozen=True)
class Piece:
    """A statement (or a whole file) as tokens, and the statements whose names it needs."""

    tokens: tuple[str, ...]
    beside: Mapping[str, tree.Ruleset]


@dataclass(frozen=True, eq=False)
class World:
    """A schema, its tables, and the rule texts that are written for it."""

    schema: Schema
    tables: Mapping[str, sa.Table]
    statements: Sequence[Piece]
    files: Sequence[Piece]

    def __repr__(self) -> str:
        """Stays short: hypothesis shows it with each failing example."""
        return f"World({len(self.statements)} statements)"


@dataclass(frozen=True)
class Input:
    """A text, the world that it is checked in, and where chance goes on from.

    `object` is whose expression the text is; empty for a rule text.
    """

    text: str
    world: World
    random: random.Random = field(repr=False)
    beside: Mapping[str, tree.Ruleset] = field(default_factory=dict)
    object: str = ""

    @property
    def size(self) -> int:
        """Gives the bytes that are read to judge this."""
        texts = (self.text, *(one.text for one in self.beside.values()))
        return sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)


@cache
def worlds() -> Sequence[World]:
    """Gives the examples', the documentation's and the base package's texts."""
    examples = (*HERE.glob("examples/*.rules"), *HERE.glob("example_tests/*.rules"))
    base_package = ROOT.glob("plugins/crm/*/*.rules")
    return (
        make_world(SCHEMA, [file.read_text("utf-8") for file in sorted(examples)]),
        make_world(PAGE_SCHEMA, [block.text for block in PAGE_TEXTS]),
        make_world(crm_schema(), [file.read_text("utf-8") for file in sorted(base_package)]),
    )


def make_world(schema: Schema, texts: Sequence[str]) -> World:
    parts = [part for text in texts for part in cut_statements(text) if part.strip()]
    named = {found[1]: part for part in parts if (found := _HEAD.match(part))}
    rulesets = {name: parse(part, source=name) for name, part in named.items()}
    statements = [
        Piece(tokens_of(part), {name: rulesets[name] for name in needed(part, named)})
        for part in parts
    ]
    files = [Piece(tokens_of(text), {}) for text in texts]
    return World(schema, make_tables(schema)[1], statements, files)


def tokens_of(text: str) -> tuple[str, ...]:
    return tuple(_TOKEN.findall(text))


def needed(part: str, named: Mapping[str, str]) -> Sequence[str]:
    """Gives the names of other statements that a statement mentions, itself or by these."""
    found: dict[str, None] = {}
    pending = [part]
    while pending:
        for word in re.findall(r"\w+", pending.pop()):
            if word in named and named[word] != part and word not in found:
                found[word] = None
                pending.append(named[word])
    return list(found)


# ---------------------------------------------------------------- damage

#: What no author would type, and what is easily mistyped.
ODD = (
    *"“，‘&|!;%$\\`\"'\n\t{}[]()\0\ud800е́\u200b\u202e\ufeff𝐚ﬁ",
    *(' "', ".5", "1e9", "-1", "0.0000000000001", "9" * 18, "9" * 40, "9999-12-31", "24:00"),
    *("200%", "1万亿", "is not empty", "in last 0 days", "older than 99999999 years", "`a b`"),
    *("в", "stаtus", "(a+)+$", '"(a+)+$"', '"[[:alpha:]](?=x)"', '"\\u0000"', "/*", "--"),
)


@cache
def words() -> Sequence[str]:
    known = {token for one in worlds() for piece in one.files for token in piece.tokens}
    written = {word for some in TERMINALS.values() for word in some}
    return sorted(known | written | set(ODD))


def kind_of(word: str) -> str:
    """Gives the kind of token that a word is, as far as its first letter tells."""
    first = word[0]
    if first.isdigit():
        return "number"
    return "name" if first.isidentifier() else first


@cache
def alike(kind: str) -> Sequence[str]:
    return [word for word in words() if word and kind_of(word) == kind]


#: What is done, a number that says where, a word that may be put there.
Change = tuple[str, int, str]
#: How often each kind of damage is done; those that often leave a text that parses come first.
KINDS: Mapping[str, int] = {
    "retype": 30,
    "swap": 4,
    "drop": 4,
    "insert": 4,
    "double": 1,
    "repeat": 1,
    "wrap": 1,
    "move": 1,
    "cut": 1,
}


def damage(tokens: Sequence[str], changes: Sequence[Change]) -> str:
    """Gives a text with some changes, each at a number counted around."""
    made = list(tokens)
    for kind, number, word in changes:
        place = number % max(1, len(made))
        after = place + 1 + number % 7
        match kind:
            case "retype" if made:
                place = next((n for n in range(place, len(made)) if made[n].strip()), place)
                choice = alike(kind_of(made[place])) or [word]
                made[place] = choice[number % len(choice)]
            case "drop":
                made[place:after] = []
            case "insert":
                made[place:place] = [word]
            case "swap":
                made[place : place + 1] = [word]
            case "double":
                made[place:place] = made[place:after]
            case "repeat":
                made[place : place + 1] = [f"{word} "] * (number % 90)
            case "wrap":
                deep = number % 70
                made[place:after] = ["(" * deep, *made[place:after], ")" * deep]
            case "move":
                moved, made[place:after] = made[place:after], []
                made[number // 7 % max(1, len(made)) : 0] = moved
            case _:
                made[place + 30 :] = []
    return "".join(made)


def random_changes(source: random.Random) -> Sequence[Change]:
    count = source.choice((1, 1, 1, 2, 2, 3, 5))
    kinds = source.choices(list(KINDS), list(KINDS.values()), k=count)
    return [(kind, source.randrange(10**6), source.choice(words())) for kind in kinds]


# ---------------------------------------------------------------- inputs


def damaged_statement(source: random.Random) -> Input:
    world = source.choice(worlds())
    piece = source.choice(world.statements)
    return Input(damage(piece.tokens, random_changes(source)), world, source, piece.beside)


def spliced_statements(source: random.Random) -> Input:
    """The beginning of one statement with the end of another."""
    world = source.choice(worlds())
    first, second = source.choice(world.statements), source.choice(world.statements)
    begin = first.tokens[: source.randrange(len(first.tokens)) + 1]
    end = second.tokens[source.randrange(len(second.tokens)) :]
    return Input("".join(begin + end), world, source, {**first.beside, **second.beside})


def damaged_file(source: random.Random) -> Input:
    world = source.choice(worlds())
    piece = source.choice(world.files)
    return Input(damage(piece.tokens, random_changes(source)), world, source, piece.beside)


def of_the_grammar(source: random.Random) -> Input:
    start = source.choice(("calendar", "define", "table", "score", "validate", "rule", "assign",
                           "approval", "sla", "test"))  # fmt: skip
    text = make_text(source.getrandbits(40), start=start, depth=source.randint(8, 20))
    if source.random() < 0.3:
        text = damage([part for word in text.split(" ") for part in (word, " ")],
                      random_changes(source))  # fmt: skip
    return Input(text, worlds()[0], source)


#: Statements that take an expression of any kind, and those that take one of a certain kind.
AROUND = (
    "define x on {object} as {expression}",
    "define x on {object} as ({expression}) is empty",
    "score s on lead into score {{ add ({expression}) }}",
    "validate v on {object} {{ require {expression} message \"m\" }}",
    "rule r on {object} before save {{ when {expression} stop }}",
    "table t on {object} first {{ | {expression} => p | - => 1 }}",
)  # fmt: skip


def expression_of_the_grammar(source: random.Random) -> Input:
    world = source.choice(worlds())
    text = make_text(source.getrandbits(40), start="expression", depth=source.randint(6, 18))
    object_name = source.choice(list(world.schema.objects))
    if source.random() < 0.5:
        return Input(text, world, source, object=object_name)
    text = source.choice(AROUND).format(object=object_name, expression=text)
    return Input(text, world, source)


def nonsense(source: random.Random) -> Input:
    count = source.randint(0, 60)
    gap = source.choice(("", " ", " ", "\n"))
    return Input(gap.join(source.choices(words(), k=count)), source.choice(worlds()), source)


def noise(source: random.Random) -> Input:
    size = source.choice((3, 20, 80, 400))
    match source.randrange(4):
        case 0:
            text = source.randbytes(size).decode("latin-1")
        case 1:
            text = source.randbytes(size).decode("utf-8", "replace")
        case 2:
            text = source.randbytes(size).decode("utf-8", "surrogateescape")
        case _:
            text = "".join(chr(source.randrange(0x110000)) for _ in range(size))
    return Input(text, source.choice(worlds()), source)


#: The share of each kind, of a hundred.
SHARES: Mapping[Callable[[random.Random], Input], int] = {
    damaged_statement: 40,
    spliced_statements: 9,
    damaged_file: 2,
    of_the_grammar: 10,
    expression_of_the_grammar: 14,
    nonsense: 12,
    noise: 13,
}


def make_input(seed: int, number: int) -> Input:
    """Gives an input; whoever has both numbers has it again."""
    source = random.Random(f"{seed}/{number}")
    (make,) = source.choices(list(SHARES), list(SHARES.values()))
    return make(source)
