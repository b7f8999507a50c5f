"""`reject`: says no to the record's open request."""

from __future__ import annotations

from trellis.api.actions.approve import Decide
from trellis.phrases import Sentence


class Reject(Decide):
    """Says no, with a comment."""

    name = "reject"
    summary = Sentence("Reject the open request")
    verdict = "reject"


ACTION = Reject()
