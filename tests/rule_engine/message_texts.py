"""The texts of the engine's messages, read from its source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ENGINE = Path(__file__).parents[2] / "rule_engine"

#: Where a call has texts: the places of its arguments, and the names of these.
_REPORT = ((1, "template"), (3, "hint"))
CALLS: dict[str, tuple[tuple[int, str], ...]] = {
    "report": _REPORT,
    "warn": _REPORT,
    "finding": _REPORT,
    "not_said": ((1, "template"),),
    "refused": ((2, "template"),),
    "Refusal": ((1, "said"),),
    "Phrase": ((0, "template"),),
    "phrase": ((0, "template"),),
}
#: Marks that Chinese text has in full width, or not at all.
HALF_WIDTH = re.compile(r"[\u4e00-\u9fff][,;!?(]|。$")
_OPEN = frozenset({"Phrase", "phrase", "Sentence"})
Calls = Mapping[str, tuple[tuple[int, str], ...]]


@dataclass(frozen=True)
class Text:
    """A text with the keywords of its call; `given` is None when those cannot be told."""

    where: str
    template: str
    given: frozenset[str] | None


@dataclass(frozen=True)
class Unreadable:
    """An argument that is put together where a constant text should stand."""

    where: str


def read_source(root: Path = ENGINE, calls: Calls = CALLS) -> Iterator[Text | Unreadable]:
    """Gives every text that a package can say: the engine, unless another is named."""
    modules = {
        str(file.relative_to(root)): ast.parse(file.read_text("utf-8"))
        for file in sorted(root.rglob("*.py"))
    }
    phrases = _phrase_fields(modules.values())
    for name, module in modules.items():
        functions = [n for n in ast.walk(module) if isinstance(n, ast.FunctionDef)]
        for scope in [module, *(one for one in functions if one.name not in calls)]:
            constants = {**_constants(module), **_constants(scope)}
            known = Known(constants, _phrase_arguments(scope), phrases, calls)
            for node in _own(scope):
                if isinstance(node, ast.Call):
                    yield from _texts(f"{name}:{node.lineno}", node, known)


@dataclass(frozen=True)
class Known:
    """What a scope's names are set to, and which names and attributes are typed as phrases."""

    constants: dict[str, list[ast.expr]]
    arguments: frozenset[str]
    attributes: frozenset[str]
    calls: Calls


def _phrase_arguments(scope: ast.AST) -> frozenset[str]:
    if not isinstance(scope, ast.FunctionDef):
        return frozenset()
    given = [*scope.args.posonlyargs, *scope.args.args, *scope.args.kwonlyargs]
    return frozenset(one.arg for one in given if _is_phrase(one.annotation))


def _phrase_fields(modules: Iterable[ast.Module]) -> frozenset[str]:
    fields = [n for module in modules for n in ast.walk(module) if isinstance(n, ast.AnnAssign)]
    return frozenset(
        node.target.id
        for node in fields
        if isinstance(node.target, ast.Name) and _is_phrase(node.annotation)
    )


def _is_phrase(annotation: ast.expr | None) -> bool:
    return annotation is not None and "Phrase" in ast.unparse(annotation)


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """Gives the nodes of a scope without those of the functions inside."""
    for child in ast.iter_child_nodes(scope):
        if not isinstance(child, ast.FunctionDef):
            yield child
            yield from _own(child)


def _constants(scope: ast.AST) -> dict[str, list[ast.expr]]:
    """Gives what the names of a scope are set to."""
    found: dict[str, list[ast.expr]] = {}
    for node in _own(scope):
        if isinstance(node, ast.NamedExpr):
            found.setdefault(node.target.id, []).append(node.value)
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            pairs = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=False))
            for name, value in pairs:
                if isinstance(name, ast.Name):
                    found.setdefault(name.id, []).append(value)
    return found


def _texts(where: str, call: ast.Call, known: Known) -> Iterator[Text | Unreadable]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    keywords = {one.arg: one.value for one in call.keywords}
    given = frozenset(str(word) for word in keywords)
    for place, keyword in known.calls.get(name, ()):
        argument = call.args[place] if place < len(call.args) else keywords.get(keyword)
        is_direct = (
            name not in _OPEN and None not in keywords and isinstance(argument, ast.Constant)
        )
        for text in _strings(argument, known):
            if text is None:
                if name not in _OPEN:
                    yield Unreadable(where)
            elif text:
                yield Text(where, text, given if is_direct else None)


def _strings(argument: ast.expr | None, known: Known) -> Iterator[str | None]:
    """Gives the constants that an argument can be; None for one that cannot be told."""
    match argument:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=body, orelse=orelse):
            yield from _strings(body, known)
            yield from _strings(orelse, known)
        case ast.BoolOp(values=values):
            for value in values:
                yield from _strings(value, known)
        case ast.JoinedStr() | ast.BinOp():
            yield None
        case ast.Name(id=name) if name in known.constants:
            for value in known.constants[name]:
                yield from _strings(value, known)
        case ast.Name(id=name) if name not in {*known.arguments, "NOTHING"}:
            yield None
        case ast.Attribute(attr=name) if name not in known.attributes:
            yield None
