"""What the routes of records take and answer."""

from __future__ import annotations

from trellis.api.components import by_name
from trellis.api.operations import (
    Answer,
    Body,
    Operation,
    Parameter,
    of_object,
)
from trellis.api.parameters import (
    AFTER,
    COUNT,
    EXPAND,
    FIELDS,
    FILTER,
    IF_MATCH,
    LIMIT,
    SEARCH,
    SORT,
)
from trellis.phrases import Sentence

AS_SEEN = Sentence("The record as you may see it.")
RECORD = {200: Answer(AS_SEEN, of_object("record"), headers=("ETag",))}

LISTED = Operation(
    Sentence("List records"),
    {200: Answer(Sentence("One page of the records that you may read."), of_object("page"))},
    (FILTER, SEARCH, SORT, FIELDS, EXPAND, LIMIT, AFTER, COUNT),
)
CREATED = Operation(
    Sentence("Create a record"),
    {201: Answer(AS_SEEN, of_object("record"), headers=("ETag", "Location", "Trellis-Duplicates"))},
    body=Body(of_object("create")),
    refuses=(403, 409),
)
SHOWN = Operation(Sentence("Get a record"), RECORD, (FIELDS, EXPAND))
CHANGED = Operation(
    Sentence("Change the fields that are named"),
    RECORD,
    (IF_MATCH,),
    Body(of_object("change")),
    (403, 409, 412, 428),
)
DELETED = Operation(
    Sentence("Delete a record"),
    {204: Answer(Sentence("It is deleted."))},
    (IF_MATCH,),
    refuses=(403, 409, 412, 428),
)
RESTORED = Operation(Sentence("Bring a deleted record back"), RECORD, refuses=(403, 409))
EXPLAINED = Operation(
    Sentence("Why a record is as it is"),
    {200: Answer(Sentence("One answer for each question."), by_name({}))},
    (
        Parameter("what", Sentence("Questions separated by commas; all but access without it.")),
        Parameter("user", Sentence("Whose access is explained, by id or user name.")),
    ),
)
