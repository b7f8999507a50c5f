"""What an editor of rule texts asks: formatting, completion, explanations, renaming, outline."""

from rule_engine.editor.completion import Completion, complete
from rule_engine.editor.expressions import Standing, find_in_expression, rename_in_expression
from rule_engine.editor.format import format_text
from rule_engine.editor.hovering import Hover, hover
from rule_engine.editor.meanings import Occurrence, find_occurrences
from rule_engine.editor.people import find_roles, rename_roles
from rule_engine.editor.renamed import rename_in_schema
from rule_engine.editor.renaming import (
    RenameError,
    find_references,
    rename,
    rename_all,
    rename_things,
)
from rule_engine.editor.symbols import Symbol, outline

__all__ = [
    "Completion",
    "Hover",
    "Occurrence",
    "RenameError",
    "Standing",
    "Symbol",
    "complete",
    "find_in_expression",
    "find_occurrences",
    "find_references",
    "find_roles",
    "format_text",
    "hover",
    "outline",
    "rename",
    "rename_all",
    "rename_in_expression",
    "rename_in_schema",
    "rename_roles",
    "rename_things",
]
