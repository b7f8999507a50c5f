"""What of an explanation a reader may see: nothing that rests on what is hidden from her."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from metadata.query.visible import visible_schema
from rule_engine.program import (
    Approval,
    Assignment,
    Parallel,
    Program,
    Reads,
    Rule,
    Score,
    ScoreItem,
    ServiceLevel,
    Step,
)
from rule_engine.services.approval_state import ApprovalState
from rule_engine.types import Schema
from trellis.unit import Unit


class Reader:
    """The principal of a unit of work as a reader of explanations."""

    def __init__(self, unit: Unit) -> None:
        self.whole: Schema = unit.catalog.schema
        self.schema = visible_schema(unit.catalog.schema, unit.principal)

    def may_see_score(self, rules: Score) -> bool:
        """Says whether everything that a score looks at is visible."""
        return self.follows(Program(self.whole, scores=(rules,)).reads(rules.object), rules.object)

    def may_see_item(self, rules: Score, item: ScoreItem) -> bool:
        """Says whether everything that an item of a score looks at is visible."""
        alone = replace(
            rules, entries=(item,), guard=None, base=None, least=None, most=None, grades=()
        )
        return self.may_see_score(alone)

    def may_see_stage(self, rules: Approval, stage: Step | Parallel) -> bool:
        """Says whether everything that a stage's condition looks at is visible."""
        bare = (
            replace(stage, steps=tuple(map(without_people, stage.steps)))
            if isinstance(stage, Parallel)
            else without_people(stage)
        )
        alone = replace(rules, enter=None, submitters=(), stages=(bare,), phases={})
        program = Program(self.whole, approvals=(alone,))
        return self.follows(program.reads(rules.object), rules.object)

    def may_see_level(self, level: ServiceLevel) -> bool:
        """Says whether everything that the clocks of a service level look at is visible."""
        bare = replace(level, targets=tuple(replace(one, triggers=()) for one in level.targets))
        program = Program(self.whole, service_levels=(bare,))
        return self.follows(program.reads(level.object), level.object)

    def may_see_rule(self, rule: Rule) -> bool:
        """Says whether everything that the condition of a rule looks at is visible."""
        return self.follows(self.reads_of(rule), rule.object)

    def looks_elsewhere(self, rule: Rule) -> bool:
        """Says whether the condition of a rule looks at other records."""
        reads = self.reads_of(rule)
        return bool(reads.links) or any(len(path) > 1 for path in reads.paths)

    def reads_of(self, rule: Rule) -> Reads:
        """Gives what the condition of a rule looks at."""
        return Program(self.whole, rules=(replace(rule, actions=()),)).reads(rule.object)

    def may_see_assignment(self, assignment: Assignment) -> bool:
        """Says whether everything that an assignment looks at is visible."""
        program = Program(self.whole, assignments=(assignment,))
        return self.follows(program.reads(assignment.object), assignment.object)

    def state(self, rules: Approval | None, state: ApprovalState) -> ApprovalState:
        """Gives a request's state without the reasons that rest on something hidden."""
        seen = {
            step.name
            for stage in (rules.stages if rules else ())
            if rules is not None and self.may_see_stage(rules, stage)
            for step in (stage.steps if isinstance(stage, Parallel) else (stage,))
        }
        path = (step if step.name in seen else replace(step, reason=None) for step in state.path)
        return replace(state, path=tuple(path))

    def follows(self, reads: Reads, object_name: str) -> bool:
        """Says whether all paths and links from an object exist for the reader, and so on from the
        records behind the links."""
        if not all(self.follow(object_name, way) for way in reads.paths):
            return False
        behind = ((self.follow(object_name, way), inner) for way, inner in reads.within.items())
        return all(target and self.follows(inner, target) for target, inner in behind)

    def follow(self, object_name: str, way: Sequence[str]) -> str | None:
        """Gives the object that the last of a path of fields and links leads to, or belongs to;
        None when one of them does not exist for the reader."""
        here, target = object_name, object_name
        for name in way:
            known = self.schema.objects.get(target)
            if known is None:
                return None
            here = target
            if name in known.links:
                target = known.links[name].target
            elif name in known.fields:
                target = known.fields[name].target or ""
            else:
                return None
        return target or here


def without_people(step: Step) -> Step:
    """Gives a step with nothing but its condition."""
    return replace(step, approvers=(), until=None, phases={})
