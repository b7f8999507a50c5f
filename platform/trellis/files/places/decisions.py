"""Decisions on approval requests."""

from __future__ import annotations

from trellis.approvals.files import Decisions

PLACE = Decisions()
