"""What the keywords of definitions and their values are called in setup."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from metadata.fields.countries import country_names
from metadata.fields.read import readable
from metadata.json_text import text
from trellis import current
from trellis.web.formatting import hue_name
from trellis.web.words import lazy_gettext

AUTOMATIC: Final = frozenset({"stored", "track"})
"""Yes and no where absence means neither."""

LABELS: Final[Mapping[str, Any]] = {
    "to": lazy_gettext("Leads to"),
    "reverse": lazy_gettext("Name of the way back"),
    "on_delete": lazy_gettext("When the other record is deleted"),
    "filter": lazy_gettext("Only records where"),
    "link": lazy_gettext("Fields of the link"),
    "currency": lazy_gettext("Currency"),
    "currency_field": lazy_gettext("Field that holds the currency"),
    "scale": lazy_gettext("Decimal places"),
    "pattern": lazy_gettext("Pattern"),
    "reset": lazy_gettext("Counting starts again"),
    "region": lazy_gettext("Country of numbers without one"),
    "max_bytes": lazy_gettext("Largest size in bytes"),
    "media_types": lazy_gettext("Kinds of files"),
    "options": lazy_gettext("Options"),
    "replaced_options": lazy_gettext("Removed options and what replaces them"),
    "transitions": lazy_gettext("Allowed steps"),
    "minLength": lazy_gettext("Shortest text"),
    "maxLength": lazy_gettext("Longest text"),
    "minimum": lazy_gettext("At least"),
    "maximum": lazy_gettext("At most"),
    "exclusiveMinimum": lazy_gettext("More than"),
    "exclusiveMaximum": lazy_gettext("Less than"),
    "multipleOf": lazy_gettext("In steps of"),
    "minItems": lazy_gettext("Fewest entries"),
    "maxItems": lazy_gettext("Most entries"),
    "uniqueItems": lazy_gettext("No entry twice"),
    "default": lazy_gettext("Value of new records"),
    "placeholder": lazy_gettext("Hint inside the empty input"),
    "formula": lazy_gettext("Formula"),
    "rollup": lazy_gettext("Roll-up"),
    "through": lazy_gettext("Field of another record"),
    "as": lazy_gettext("Whose records count"),
    "stored": lazy_gettext("Keep the value in the database"),
    "required_when": lazy_gettext("Required when"),
    "visible_when": lazy_gettext("Shown when"),
    "read_only_when": lazy_gettext("Read-only when"),
    "readOnly": lazy_gettext("Read-only"),
    "writeOnly": lazy_gettext("Write-only"),
    "deprecated": lazy_gettext("Not to be used any more"),
    "unique": lazy_gettext("Unique"),
    "index": lazy_gettext("Index"),
    "track": lazy_gettext("Track history"),
    "sensitivity": lazy_gettext("Sensitivity"),
    "mask": lazy_gettext("Mask"),
    "encrypted": lazy_gettext("Store encrypted"),
    "title": lazy_gettext("Title"),
    "hue": lazy_gettext("Colour"),
    "category": lazy_gettext("Category"),
    "retired": lazy_gettext("Out of use"),
    "replaced_by": lazy_gettext("Replaced by"),
    "when": lazy_gettext("Only while"),
    "exit": lazy_gettext("Before moving on"),
    "requires": lazy_gettext("Fields to fill"),
    "message": lazy_gettext("Message"),
    "*": lazy_gettext("More values"),
    "name_field": lazy_gettext("Field that names a record"),
    "search": lazy_gettext("Found by these fields"),
    "append_only": lazy_gettext("Append only"),
    "record_types": lazy_gettext("Record types"),
    "layouts": lazy_gettext("Layouts"),
    "unique_when": lazy_gettext("Unique under a condition"),
    "no_overlap": lazy_gettext("No overlapping times"),
    "fields": lazy_gettext("Fields"),
    "start": lazy_gettext("Starts with"),
    "end": lazy_gettext("Ends with"),
    "by": lazy_gettext("For the same"),
    "duplicates": lazy_gettext("Duplicates"),
    "match": lazy_gettext("Compared fields"),
    "threshold": lazy_gettext("How certain it must be"),
    "on_create": lazy_gettext("When a record is made"),
    "on_import": lazy_gettext("When it is imported"),
    "reveal": lazy_gettext("Tell that others have it"),
    "weight": lazy_gettext("Weight"),
    "keys": lazy_gettext("Candidates by"),
}

HELPS: Final[Mapping[str, Any]] = {
    "reverse": lazy_gettext("What the list of these records is called at the other record"),
    "unique": lazy_gettext("No two records may have the same value"),
    "index": lazy_gettext("Lists are often filtered or sorted by this field"),
    "filter": lazy_gettext("Records that can be chosen; this.field is a field of this record"),
    "link": lazy_gettext("JSON: properties by name, as in a definition"),
    "media_types": lazy_gettext("For example image/*, application/pdf"),
    "pattern": lazy_gettext("A regular expression that every text matches"),
    "/crm/pattern": lazy_gettext("As in M-{yyyy}-{0000}: the year, then a number of four digits"),
    "replaced_options": lazy_gettext("One in each line: old: new"),
    "formula": lazy_gettext("An expression over this record, as in price * quantity"),
    "rollup": lazy_gettext("An aggregate over other records, as in sum(lines.total)"),
    "through": lazy_gettext("As in account.region"),
    "transitions": lazy_gettext("Which option may follow which"),
    "default": lazy_gettext("Several are written with commas between them"),
    "encrypted": lazy_gettext("Compared by equality only, never sorted"),
    "mask": lazy_gettext("What people see who may only see it masked"),
    "*": lazy_gettext("One in each line, as in probability: 0.5"),
    "append_only": lazy_gettext("Records are made and never changed or deleted"),
    "search": lazy_gettext("Fields with commas between them"),
    "unique_when": lazy_gettext("No two records agree in these fields while a condition holds"),
    "no_overlap": lazy_gettext("No two records of the same thing at the same time"),
    "exit": lazy_gettext("What a record needs before it leaves this option"),
    "by": lazy_gettext("Only records that agree in these fields are compared"),
}

VALUES: Final[Mapping[str, Any]] = {
    "on_delete/restrict": lazy_gettext("It cannot be deleted"),
    "on_delete/set_null": lazy_gettext("This field becomes empty"),
    "on_delete/cascade": lazy_gettext("This record is deleted too"),
    "reset/never": lazy_gettext("Never"),
    "reset/year": lazy_gettext("Every year"),
    "reset/month": lazy_gettext("Every month"),
    "sensitivity/public": lazy_gettext("Public"),
    "sensitivity/internal": lazy_gettext("Internal"),
    "sensitivity/personal": lazy_gettext("Personal"),
    "sensitivity/health": lazy_gettext("Health"),
    "sensitivity/financial": lazy_gettext("Financial"),
    "mask/last4": lazy_gettext("The last four characters"),
    "mask/first1": lazy_gettext("The first character"),
    "mask/email": lazy_gettext("The domain of an address"),
    "mask/all": lazy_gettext("Nothing of it"),
    "track/all": lazy_gettext("All changes"),
    "track/none": lazy_gettext("No changes"),
    "as/system": lazy_gettext("All records"),
    "as/user": lazy_gettext("Records that the reader may see"),
    "on_create/warn": lazy_gettext("Warn"),
    "on_create/block": lazy_gettext("Refuse it"),
    "on_create/ignore": lazy_gettext("Nothing"),
    "on_import/warn": lazy_gettext("Warn"),
    "on_import/block": lazy_gettext("Refuse it"),
    "on_import/ignore": lazy_gettext("Nothing"),
}


def label_of(keyword: str) -> str:
    """Gives what a keyword is called; one that is not known here is made readable."""
    return str(LABELS[keyword]) if keyword in LABELS else readable(keyword)


def help_of(keyword: str, schema: Mapping[str, object], place: str = "") -> str:
    """Says what a keyword is for, at a place of its own if need be; in English, as its schema
    does, where it is not known here."""
    if place in HELPS:
        return str(HELPS[place])
    if keyword in HELPS:
        return str(HELPS[keyword])
    return "" if keyword in LABELS else text(schema.get("description")) or ""


def value_label(keyword: str, value: str) -> str:
    """Gives what a value of a keyword is called; countries have their names."""
    known = f"{keyword}/{value}"
    if known in VALUES:
        return str(VALUES[known])
    if keyword == "hue":
        return hue_name(value)
    if keyword == "region":
        return country_names(current.language()).get(value, value)
    return value
