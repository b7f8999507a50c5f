"""The facts of one running service level; all else is derived from them (see sla_clock)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import cast

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Pause:
    """A time in which a target's clock stands. `until` is None while it still does."""

    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What happened to one target in this run of the clock.

    `pauses` are in order and do not overlap; `fired` are the percents whose triggers went off.
    """

    name: str
    met_at: datetime | None = None
    pauses: tuple[Pause, ...] = ()
    fired: tuple[Decimal, ...] = ()

    @property
    def is_paused(self) -> bool:
        """Says whether the last pause has not ended."""
        return bool(self.pauses) and self.pauses[-1].until is None


@dataclass(frozen=True, slots=True)
class SlaState:
    """A service level on a record. `run` counts from 1 and grows with each restart.

    `version` is that of the ruleset it was attached under; `cancelled_at` None: it counts.
    """

    sla: str
    record_id: str
    started_at: datetime
    targets: tuple[TargetFacts, ...]
    run: int = 1
    cancelled_at: datetime | None = None
    version: str = ""

    def target(self, name: str) -> TargetFacts:
        """Gives a target's facts; one the state does not know yet has none."""
        return next((one for one in self.targets if one.name == name), TargetFacts(name))

    def with_target(self, changed: TargetFacts) -> SlaState:
        """Gives the state with these facts in place of those of the same target."""
        if all(one.name != changed.name for one in self.targets):
            return replace(self, targets=(*self.targets, changed))
        others = (changed if one.name == changed.name else one for one in self.targets)
        return replace(self, targets=tuple(others))

    def to_json(self) -> dict[str, object]:
        """Gives plain JSON values; `from_json` is the exact way back."""
        return {
            "sla": self.sla,
            "record_id": self.record_id,
            "started_at": _instant_to_json(self.started_at),
            "targets": [_target_to_json(target) for target in self.targets],
            "run": self.run,
            "cancelled_at": _instant_to_json(self.cancelled_at),
            "version": self.version,
        }

    @classmethod
    def from_json(cls, document: Json) -> SlaState:
        """Reads what `to_json` wrote."""
        targets = cast("list[Json]", document["targets"])
        return cls(
            sla=str(document["sla"]),
            record_id=str(document["record_id"]),
            started_at=datetime.fromisoformat(str(document["started_at"])),
            targets=tuple(map(_target_from_json, targets)),
            run=int(str(document["run"])),
            cancelled_at=_instant_from_json(document["cancelled_at"]),
            version=str(document["version"]),
        )


def _target_to_json(target: TargetFacts) -> dict[str, object]:
    return {
        "name": target.name,
        "met_at": _instant_to_json(target.met_at),
        "pauses": [
            [_instant_to_json(pause.since), _instant_to_json(pause.until)]
            for pause in target.pauses
        ],
        "fired": [str(percent) for percent in target.fired],
    }


def _target_from_json(document: Json) -> TargetFacts:
    pauses = cast("list[tuple[str, str | None]]", document["pauses"])
    return TargetFacts(
        name=str(document["name"]),
        met_at=_instant_from_json(document["met_at"]),
        pauses=tuple(
            Pause(datetime.fromisoformat(since), _instant_from_json(until))
            for since, until in pauses
        ),
        fired=tuple(map(Decimal, cast("list[str]", document["fired"]))),
    )


def _instant_to_json(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _instant_from_json(text: object) -> datetime | None:
    return None if text is None else datetime.fromisoformat(str(text))
