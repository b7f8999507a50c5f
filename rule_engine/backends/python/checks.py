"""The compiler of validations: all checks of one block in one function."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import cast

from rule_engine.backends.python import syntax
from rule_engine.backends.python.compiler import Compiler, Record
from rule_engine.backends.python.kept import Kept
from rule_engine.program import Check, Validation
from rule_engine.types import Environment

#: Gives the broken checks of a record, in written order; the last argument is the record before.
FindBroken = Callable[[Record, Environment, Record | None], Sequence[Check]]


class _ChecksCompiler(Compiler):
    def function(self, validation: Validation) -> FindBroken:
        """Gives the function of record, environment and the record before."""
        body: list[ast.stmt] = [syntax.assign("broken", syntax.new_list())]
        broken = syntax.name("broken")
        if validation.guard is not None:
            body += self.load([validation.guard])
            failed = syntax.negation(self.condition(validation.guard))
            body.append(syntax.when(failed, [syntax.give(broken)]))
        body += self.load(
            [
                node
                for check in validation.checks
                for node in (check.guard, check.condition)
                if node is not None
            ]
        )
        for check in validation.checks:
            note = syntax.run(syntax.method(broken, "append", self.keep(check)))
            body.append(syntax.when(self._is_broken(check), [note]))
        return cast("FindBroken", self.build([*body, syntax.give(broken)]))

    def _is_broken(self, check: Check) -> syntax.Syntax:
        condition = self.condition(check.condition)
        tests = [condition if check.kind == "forbid" else syntax.negation(condition)]
        if check.guard is not None:
            tests.insert(0, self.condition(check.guard))
        return syntax.all_of(tests)


#: Gives the function that finds a validation's broken checks.
compile_checks: Callable[[Validation], FindBroken] = Kept[Validation, FindBroken](
    lambda validation: _ChecksCompiler().function(validation)
).get
