"""Runs in the other engines' environment: `python engines.py`, one line of JSON in, one out.

The first line brings the records, the expected scores and each engine's text; the answer says
which engines could be loaded and gave the right scores. Each further line asks for a round; the
answer gives seconds of CPU time per record and engine. Imports nothing of the project.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

Record = Mapping[str, Any]
Evaluate = Callable[[Record], float]


def zen_engine(text: str, names: Sequence[str]) -> Evaluate:
    """Gives zen-engine's function for a text."""
    expression = import_module("zen").compile_expression(text)
    return lambda record: expression.evaluate(record)


def rule_engine(text: str, names: Sequence[str]) -> Evaluate:
    """Gives rule-engine's function for a text."""
    rule = import_module("rule_engine").Rule(text)
    return lambda record: rule.evaluate(record)


def cel_expr_python(text: str, names: Sequence[str]) -> Evaluate:
    """Gives the function of the C++ implementation of CEL."""
    cel = import_module("cel_expr_python.cel")
    environment = cel.NewEnv(variables=dict.fromkeys(names, cel.Type.DYN))
    expression = environment.compile(text)
    return lambda record: expression.eval(data=record).value()


def common_expression_language(text: str, names: Sequence[str]) -> Evaluate:
    """Gives the function of the Rust implementation of CEL."""
    program = import_module("cel").compile(text)
    return lambda record: program.execute(record)


ENGINES = {
    "zen-engine": zen_engine,
    "rule-engine": rule_engine,
    "cel-expr-python": cel_expr_python,
    "common-expression-language": common_expression_language,
}


def load(task: Mapping[str, Any]) -> tuple[dict[str, Evaluate], dict[str, str]]:
    """Gives the engines that score as expected, and what is wrong with each."""
    records, names = task["records"], sorted(task["records"][0])
    working: dict[str, Evaluate] = {}
    wrong: dict[str, str] = {}
    for name, text in task["texts"].items():
        try:
            evaluate = ENGINES[name](text, names)
            found = [float(evaluate(record)) for record in records]
        except Exception as error:  # whatever an engine raises is its result
            wrong[name] = f"{type(error).__name__}: {error}"
            continue
        different = sum(one != two for one, two in zip(found, task["expected"], strict=True))
        wrong[name] = f"{different} of {len(records)} scores differ" if different else ""
        if not different:
            working[name] = evaluate
    return working, wrong


def measure(evaluate: Evaluate, records: Sequence[Record]) -> float:
    """Gives seconds per record."""
    gc.collect()
    start = time.process_time()
    for record in records:
        evaluate(record)
    return (time.process_time() - start) / len(records)


def main() -> None:
    """Answers line by line."""
    task = json.loads(sys.stdin.readline())
    working, wrong = load(task)
    answer: object = wrong
    while True:
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
        if not sys.stdin.readline():
            return
        answer = {name: measure(run, task["records"]) for name, run in working.items()}


if __name__ == "__main__":
    main()
