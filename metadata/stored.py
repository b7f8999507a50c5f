"""What the store keeps in documents, besides what their authors write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from metadata.elements import Element
from metadata.json_text import mapping, text

Document = Mapping[str, object]

#: What the store keeps among an object's or a field's `crm` keywords; authors need not write it.
KEPT = frozenset({"id", "column", "table", "retired", "converted_from"})

#: What no column can be called: PostgreSQL has such columns in every table.
REFUSED_COLUMNS = frozenset({"cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"})

#: What an installation keeps in a stored manifest: digests of the parts as they were installed.
DIGESTS = "installed"


def crm_of(document: Document) -> Mapping[str, object]:
    """Gives the `crm` part of an object or a property."""
    return mapping(document.get("crm"))


def is_retired(document: Document) -> bool:
    """Says whether an object or a property is out of use."""
    return crm_of(document).get("retired") is True


def with_crm(document: Document, **keywords: object) -> dict[str, object]:
    """Gives a document with other `crm` keywords; None takes one away."""
    crm = {**crm_of(document), **keywords}
    kept = {name: value for name, value in crm.items() if value is not None}
    return {**document, "crm": kept}


def as_written(document: Document) -> dict[str, object]:
    """Gives a document without what the store keeps in it."""
    crm = {name: value for name, value in crm_of(document).items() if name not in KEPT}
    if not crm.get("record_types", True):
        del crm["record_types"]
    if link := mapping(crm.get("link")):
        crm["link"] = {**link, "properties": link_as_written(link)}
    rest = {name: value for name, value in document.items() if name != "crm"}
    return {**rest, "crm": crm} if crm else rest


def link_as_written(link: Mapping[str, object]) -> dict[str, object]:
    """Gives the fields of a many_to_many field's links without what the store keeps in them."""
    properties = mapping(link.get("properties")).items()
    written = {name: mapping(described) for name, described in properties}
    return {name: as_written(one) for name, one in written.items() if not is_retired(one)}


def physical_table(element: Element) -> str:
    """Gives the name of an object's table."""
    return text(crm_of(element.body).get("table")) or f"o_{element.name}"


def column_of(name: str, document: Document) -> str:
    """Gives the physical name of a stored property."""
    return text(crm_of(document).get("column")) or name


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """Gives a physical name that is not in use: the wanted one, else with a number."""
    used = set(taken)
    numbered = (f"{wanted}_{number}" for number in range(2, len(used) + 3))
    return next(name for name in (wanted, *numbered) if name not in used)


def changed_keys(before: Document, after: Document) -> list[str]:
    """Gives the keywords whose values differ, those of `crm` by their own names."""
    left = {**crm_of(before), **{key: value for key, value in before.items() if key != "crm"}}
    right = {**crm_of(after), **{key: value for key, value in after.items() if key != "crm"}}
    return [key for key in {**left, **right} if left.get(key) != right.get(key)]
