"""Parameters that several routes share, as OpenAPI tells of them."""

from __future__ import annotations

from typing import Final

from metadata.query.answers import COUNTS, MAX_FILTER_BYTES, MAX_LIMIT, MAX_SEARCH_CHARACTERS
from trellis.api.operations import TEXT, Parameter
from trellis.phrases import Sentence

DEFAULT_LIMIT: Final = 50

FILTER = Parameter(
    "filter",
    Sentence("A condition of the rule language that the records fulfil."),
    {"type": "string", "maxLength": MAX_FILTER_BYTES},
)
SEARCH = Parameter(
    "search",
    Sentence("Words that stand in the fields which are searched."),
    {"type": "string", "maxLength": MAX_SEARCH_CHARACTERS},
)
SORT = Parameter("sort", Sentence("Paths separated by commas, with `-` for descending."), TEXT)
FIELDS = Parameter(
    "fields", Sentence("Paths separated by commas; without it all that you may see."), TEXT
)
EXPAND = Parameter(
    "expand", Sentence("References to be shown with the names of their records."), TEXT
)
LIMIT = Parameter(
    "limit",
    Sentence("How many at most."),
    {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
)
AFTER = Parameter("after", Sentence("The cursor `next` of the page before."), TEXT)
COUNT = Parameter(
    "count",
    Sentence("Whether and how all that fulfil the question are counted."),
    {"type": "string", "enum": list(COUNTS), "default": "none"},
)
IF_MATCH_OPTIONAL = Parameter(
    "If-Match",
    Sentence("The ETag of the record, if it has to be as you have seen it."),
    TEXT,
    "header",
)
IF_MATCH = Parameter(
    "If-Match",
    Sentence("The ETag of the record as you have seen it, or `*` for whatever is there."),
    TEXT,
    "header",
    required=True,
    example="*",
)
