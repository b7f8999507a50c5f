"""What the routes of scores take and answer."""

from __future__ import annotations

from typing import Final

from trellis.api.components import INSTANT, TEXT_OR_NULL, many, optional
from trellis.api.operations import (
    TEXT,
    WHOLE,
    Answer,
    Operation,
    Parameter,
    Schema,
    listed,
    made_of,
)
from trellis.api.parameters import AFTER, LIMIT
from trellis.phrases import Sentence
from trellis.scoring.past import SAVE
from trellis.scoring.tables import CAUSES

STORED, ACTIVE, DRAFT = "stored", "active", "draft"
BY: Final = (ACTIVE, DRAFT)

NUMBER: Final[Schema] = {"type": ["number", "null"]}
PAIR: Final[Schema] = {"type": "array", "items": TEXT_OR_NULL, "minItems": 2, "maxItems": 2}
KNOWN: Final = {
    "object": TEXT,
    "name": TEXT,
    "label": TEXT,
    "into": TEXT,
    "grade_into": TEXT_OR_NULL,
}
TALLY: Final = {"won": WHOLE, "lost": WHOLE, "open": WHOLE, "won_rate": NUMBER}
WORTH: Final = {
    **TALLY,
    "auc": NUMBER,
    "grades": many(made_of({"grade": TEXT_OR_NULL, **TALLY, "lift": NUMBER})),
}
MOVES: Final = many(made_of({"from": TEXT_OR_NULL, "to": TEXT_OR_NULL, "records": WHOLE}))
RUN: Final = made_of(
    {
        "id": TEXT,
        "why": {"enum": list(CAUSES)},
        "definitions": WHOLE,
        "started_at": INSTANT,
        "ended_at": optional(INSTANT),
        "changed": WHOLE,
        "refused": WHOLE,
        "by_record": TEXT_OR_NULL,
    }
)
DIFFERENCE: Final = made_of({"id": TEXT, "name": TEXT, "points": PAIR, "grade": PAIR})
LINE: Final = made_of(
    {
        "score": TEXT,
        "at": INSTANT,
        "why": {"enum": [SAVE, *CAUSES]},
        "by": TEXT_OR_NULL,
        "definitions": {"type": ["integer", "null"]},
        "points": PAIR,
        "grade": PAIR,
    }
)


def rules(*known: str) -> Parameter:
    """Gives the parameter that says by which rules; the first is taken without it."""
    words = Sentence("Which rules: those in force, your draft, or the points as they are stored.")
    return Parameter("rules", words, {"type": "string", "enum": list(known), "default": known[0]})


SCORES = Operation(
    Sentence("List the scores"),
    {200: Answer(Sentence("Those whose facts you may read."), listed(made_of(KNOWN)))},
)
SCORE = Operation(
    Sentence("How the records stand by a score, and its last runs over all of them"),
    {
        200: Answer(
            Sentence("The score."),
            made_of({**KNOWN, "standing": made_of(WORTH), "runs": many(RUN)}),
        )
    },
    refuses=(404,),
)
CHANGED = Operation(
    Sentence("List the scores that your draft changes"),
    {
        200: Answer(
            Sentence("Them, and the token that publishes the draft."),
            listed(made_of({"object": TEXT, "name": TEXT}), {"token": TEXT}),
        )
    },
)
DIFFERENCES = Operation(
    Sentence("Which records would have other points or grades"),
    {
        200: Answer(
            Sentence("How many of all there are, and a page of those that you may read."),
            listed(
                DIFFERENCE,
                {
                    "token": TEXT_OR_NULL,
                    "records": WHOLE,
                    "raised": WHOLE,
                    "lowered": WHOLE,
                    "moves": MOVES,
                },
            ),
        )
    },
    (rules(DRAFT, ACTIVE), LIMIT, AFTER),
    refuses=(404,),
)
BACKTEST = Operation(
    Sentence("What a score is worth by what was won and lost"),
    {
        200: Answer(
            Sentence("Won, lost and open records by grade."),
            made_of({"token": TEXT_OR_NULL, "field": TEXT_OR_NULL, **WORTH}),
        )
    },
    (rules(STORED, ACTIVE, DRAFT),),
    refuses=(404,),
)
RESCORED = Operation(
    Sentence("Compute a score for all records"),
    {202: Answer(Sentence("The job that does it."), made_of({"job": TEXT}))},
    refuses=(404,),
)
SHADOWED = Operation(
    Sentence("Compute your draft of a score beside the one in force"),
    {202: Answer(Sentence("It is computed."), made_of({"shadow": TEXT}))},
    refuses=(404,),
)
ENDED = Operation(
    Sentence("Compute nothing beside a score any more"),
    {204: Answer(Sentence("It has ended."))},
    refuses=(404,),
)
COMPARED = Operation(
    Sentence("Compare a score with the draft that is computed beside it"),
    {
        200: Answer(
            Sentence("What both gave to the same records, and what became of these."),
            made_of(
                {
                    "by": TEXT,
                    "since": INSTANT,
                    "computed_at": optional(INSTANT),
                    "ended_at": optional(INSTANT),
                    "moves": MOVES,
                    "live": made_of(WORTH),
                    "shadow": made_of(WORTH),
                }
            ),
        )
    },
    refuses=(404,),
)
HISTORY = Operation(
    Sentence("The points that a record has had, newest first"),
    {200: Answer(Sentence("Its newest changes of points and grades."), listed(LINE))},
    (LIMIT,),
)
