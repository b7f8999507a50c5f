"""What rules ask the platform to do, in order; the engine itself does nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing to do to the record at hand. `arguments` hold Python values.

    set(field, value) · clear(field) · lock · unlock · notify(recipients: user ids, addressees:
    (object, id) of people without a login, template, channel: None is each person's own choice) ·
    waiting(step, users): these approvers are asked now and want to be told.
    """

    action: str
    arguments: Mapping[str, object] = field(default_factory=dict)
