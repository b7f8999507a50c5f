"""What an editor of rule texts asks: formatting, completion, explanations, renaming, outline."""

from rule_engine.editor.completion import Completion, complete
from rule_engine.editor.format import format_text
from rule_engine.editor.hovering import Hover, hover
from rule_engine.editor.meanings import Occurrence
from rule_engine.editor.renamed import rename_in_schema
from rule_engine.editor.renaming import RenameError, find_references, rename, rename_all
from rule_engine.editor.symbols import Symbol, outline

__all__ = [
    "Completion",
    "Hover",
    "Occurrence",
    "RenameError",
    "Symbol",
    "complete",
    "find_references",
    "format_text",
    "hover",
    "outline",
    "rename",
    "rename_all",
    "rename_in_schema",
]
