"""What the routes of `/api/v1/meta` take and answer."""

from __future__ import annotations

from collections.abc import Mapping

from trellis.api.components import (
    INSTANT,
    LISTED_DEFINITION,
    TEXT_OR_NULL,
    by_name,
    many,
)
from trellis.api.operations import (
    OBJECT,
    TEXT,
    WHOLE,
    Answer,
    Body,
    Operation,
    Parameter,
    Schema,
    closed,
    component,
    listed,
    made_of,
)
from trellis.phrases import Sentence

IF_SEEN = Parameter(
    "If-Match",
    Sentence("The ETag of the definition, if it has to be as you have seen it."),
    place="header",
)
DEFINITION = {200: Answer(Sentence("The definition."), OBJECT, headers=("ETag",))}
LISTED = Operation(
    Sentence("List the definitions of a kind as your draft has them"),
    {200: Answer(Sentence("All of them."), listed(LISTED_DEFINITION))},
)
SHOWN = Operation(Sentence("Get a definition as your draft has it"), DEFINITION)
PUT = Operation(
    Sentence("Keep a definition in your draft"), DEFINITION, (IF_SEEN,), Body(OBJECT), (409, 412)
)
DELETED = Operation(
    Sentence("Mark a definition for deletion in your draft"),
    {204: Answer(Sentence("It is marked."))},
    refuses=(409,),
)

PLAN = {200: Answer(Sentence("The plan and its token."), component("DefinitionPlan"))}
REPLACE: Schema = by_name(by_name(TEXT))
STEPS: Mapping[str, Schema] = {"undo": WHOLE, "redo": WHOLE}
STEPPED = {200: Answer(Sentence("What is different now."), made_of({"changed": {}, **STEPS}))}
OF_VERSION: Mapping[str, Schema] = {
    "version": WHOLE,
    "at": INSTANT,
    "by": TEXT,
    "message": TEXT_OR_NULL,
}
NOTHING = closed({})

DRAFT = Operation(
    Sentence("What your draft changes, and what publishing it would do"),
    {200: Answer(Sentence("The draft."), OBJECT)},
)
DISCARDED = Operation(
    Sentence("Forget your draft"), {204: Answer(Sentence("It is forgotten."))}, refuses=(409,)
)
UNDONE = Operation(
    Sentence("Take your last action back"),
    STEPPED,
    body=Body(NOTHING, required=False),
    refuses=(409,),
)
REDONE = Operation(
    Sentence("Do again what you took back last"),
    STEPPED,
    body=Body(NOTHING, required=False),
    refuses=(409,),
)
KEPT = Operation(
    Sentence("Keep your draft over what others have published meanwhile"),
    {204: Answer(Sentence("It is kept."))},
    body=Body(NOTHING, required=False),
    refuses=(409,),
)
PLANNED = Operation(
    Sentence("What publishing your draft would do"),
    PLAN,
    body=Body(closed({"replace": REPLACE}), required=False),
    refuses=(409,),
)
ROLLBACK = Operation(
    Sentence("What going back to a version would do, with everything or one rule file"),
    PLAN,
    body=Body(closed({"version": WHOLE, "rules": TEXT}, ("version",))),
    refuses=(404, 409),
)
PUBLISHED = Operation(
    Sentence("Publish the plan of a token"),
    {200: Answer(Sentence("The new version."), made_of({"version": WHOLE}))},
    body=Body(
        closed(
            {
                "token": TEXT,
                "message": TEXT_OR_NULL,
                "confirm": many(TEXT),
                "replace": REPLACE,
                "open_clocks": many(TEXT),
            },
            ("token",),
        )
    ),
    refuses=(404, 409),
)
VERSIONS = Operation(
    Sentence("List the published versions, newest first"),
    {200: Answer(Sentence("All of them."), listed(made_of({**OF_VERSION, "operations": WHOLE})))},
)
VERSION = Operation(
    Sentence("Get a version with what it did"),
    {200: Answer(Sentence("The version."), made_of({**OF_VERSION, "operations": many(OBJECT)}))},
)
DIFFERENCES = Operation(
    Sentence("What is different between two versions"),
    {
        200: Answer(
            Sentence("The differences."),
            made_of({"from": WHOLE, "to": WHOLE, "changes": many(OBJECT)}),
        )
    },
    (
        Parameter(
            "from",
            Sentence("The earlier version; without it the one before."),
            {"type": "integer", "minimum": 0},
        ),
    ),
)
