"""What the routes of `/api/v1/packages` take and answer."""

from __future__ import annotations

from trellis.api.components import TEXT_OR_NULL, by_name, many
from trellis.api.operations import (
    FILE,
    OBJECT,
    TEXT,
    WHOLE,
    Answer,
    Body,
    Operation,
    Parameter,
    closed,
    component,
    listed,
    made_of,
)
from trellis.phrases import Sentence

ZIP = "application/zip"
VERSION = {200: Answer(Sentence("The new version."), made_of({"version": WHOLE}))}

LISTED = Operation(
    Sentence("List packages: installed, uninstalled and available ones"),
    {
        200: Answer(
            Sentence("All of them."),
            listed(
                made_of(
                    {
                        "name": TEXT,
                        "title": TEXT,
                        "state": {"enum": ["installed", "uninstalled", "available"]},
                        "version": TEXT_OR_NULL,
                        "available": TEXT_OR_NULL,
                        "origin": TEXT_OR_NULL,
                    }
                )
            ),
        )
    },
)
PLANNED = Operation(
    Sentence("What installing a zip, or a package that is known, would do"),
    {200: Answer(Sentence("The plan and its token."), component("PackagePlan"))},
    body=Body(closed({"file": FILE}, ("file",)), "multipart/form-data"),
    refuses=(409,),
)
INSTALLED = Operation(
    Sentence("Install what a token stands for"),
    VERSION,
    body=Body(
        closed({"token": TEXT, "resolutions": by_name(TEXT), "confirm": many(TEXT)}, ("token",))
    ),
    refuses=(404, 409),
)
REMOVAL = Operation(
    Sentence("What uninstalling a package would mean"),
    {200: Answer(Sentence("The plan."), OBJECT)},
)
UNINSTALLED = Operation(
    Sentence("Take a package out of use"),
    VERSION,
    body=Body(closed({"confirm": many(TEXT)}), required=False),
    refuses=(409,),
)
EXPORTED = Operation(
    Sentence("Get a package as a zip"),
    {200: Answer(Sentence("The zip."), FILE, (ZIP,))},
    (
        Parameter(
            "local",
            Sentence("`true` for what was made here, under this name."),
            {"enum": ["true", "false"]},
        ),
    ),
)
DATA = Operation(
    Sentence("Get the records of a package's objects as CSV in a zip"),
    {200: Answer(Sentence("The zip."), FILE, (ZIP,))},
)
