"""A thousand rules: from their texts, and from what was stored of them, to the first decision."""

from __future__ import annotations

from collections.abc import Sequence

from metadata.schema import schema_of
from rule_engine import Program, compile_program, core, parse, tree
from rule_engine.backends.python import compile_node
from rule_engine.services.automate import before_save
from rule_engine.storage import engine_version, read_program, write_program
from rule_engine.syntax.tables import parser
from rule_engine.types import Environment, Schema
from tests.bench.clock import Row, medians
from tests.bench.leads import CONDITIONS, LEAD, leads
from tests.bench.rules import surroundings

OBJECTS, RULES_EACH = 10, 100
RULES = OBJECTS * RULES_EACH


def text(object_name: str) -> str:
    """Gives the rules of an object: three conditions and two actions each."""
    conditions = [condition for _, condition in CONDITIONS]
    rules = [
        f"""rule {object_name}_rule_{number} "Rule {number}" on {object_name} before save {{
    when ({conditions[number % 30]})
        and ({conditions[(number * 7 + 3) % 30]})
        and employees > {number}
    set name to "Name {number}"
    set score to {number} + coalesce(page_views, 0)
}}"""
        for number in range(RULES_EACH)
    ]
    return "\n".join([f'ruleset {object_name}_rules "Rules"', *rules])


def compile_all(program: Program) -> None:
    """Compiles every expression of every rule."""
    for rule in program.rules:
        for part in (rule.guard, *(getattr(action, "value", None) for action in rule.actions)):
            if isinstance(part, core.Node):
                compile_node(part)


def decide(program: Program, environment: Environment, names: Sequence[str]) -> None:
    """Makes the first decision about one record of each object."""
    for name in names:
        rules = program.for_object(name).before_save
        before_save(rules, "create", leads(1)[0], None, environment)


def measure() -> list[Row]:
    """Measures in CPU time."""
    names = [f"lead_{number}" for number in range(OBJECTS)]
    schema: Schema = schema_of(dict.fromkeys(names, LEAD))
    environment = surroundings()
    texts = [text(name) for name in names]
    parser()
    engine_version()

    def parse_all() -> list[tree.Ruleset]:
        return [parse(each, source=name) for each, name in zip(texts, names, strict=True)]

    def cold() -> None:
        program = compile_program(parse_all(), schema)
        compile_all(program)
        decide(program, environment, names)

    trees = parse_all()
    program = compile_program(trees, schema)
    document = write_program(program)
    works = {
        "parse": parse_all,
        "check": lambda: compile_program(trees, schema),
        "compile": lambda: compile_all(read_program(document, schema)),
        "read": lambda: read_program(document, schema),
        "cold": cold,
        "warm": lambda: decide(read_program(document, schema), environment, names[:1]),
        "write": lambda: write_program(program),
    }
    found = medians(works, times=1, rounds=3)
    lines = sum(each.count("\n") + 1 for each in texts)
    return [
        Row("parse", found["parse"], note=f"{lines:,} lines, {sum(map(len, texts)) // 1024} KiB"),
        Row("check", found["check"]),
        Row("compile all", found["compile"] - found["read"]),
        Row("cold: texts to a decision on each object, all compiled", found["cold"], reach="1.5 s"),
        Row("write", found["write"], note=f"{len(document) // 1024} KiB of JSON"),
        Row("read", found["read"]),
        Row("warm: stored to the first decision", found["warm"], reach="300 ms"),
    ]
