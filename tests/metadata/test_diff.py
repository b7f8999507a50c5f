"""Plans by stable element ids."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from metadata.diff import Plan, plan
from metadata.elements import Element
from tests.metadata.databases import JsonObject, element, object_body

TEXT: JsonObject = {"type": "string"}
NUMBER: JsonObject = {"type": "number"}


def start(**properties: dict[str, Any]) -> tuple[Element, ...]:
    """Gives a stored object `thing` with a name and other properties."""
    made = plan([], [element("thing", object_body({"name": TEXT, **properties}))])
    assert not made.problems
    return made.elements


def kinds(made: Plan) -> list[str]:
    return [f"{o.kind} {o.place}" if o.object else o.kind for o in made.operations]


def stored(made: Plan, name: str = "thing") -> dict[str, Any]:
    found = next(item for item in made.elements if item.name == name)
    properties: dict[str, Any] = dict(found.body["properties"])  # type: ignore[call-overload]  # JSON
    return properties


def test_new_object_gets_ids_and_columns() -> None:
    made = plan([], [element("thing", object_body({"name": TEXT, "size": NUMBER}))])
    assert kinds(made) == ["create_object thing"]
    assert made.elements[0].id
    columns = {name: p["crm"]["column"] for name, p in stored(made).items()}
    assert columns == {"name": "name", "size": "size"}
    assert len({p["crm"]["id"] for p in stored(made).values()}) == 2


def test_same_documents_plan_nothing() -> None:
    elements = start(size=NUMBER)
    bare = element("thing", object_body({"name": TEXT, "size": NUMBER}))
    for wanted in (elements, [bare]):
        made = plan(elements, wanted)
        assert (made.operations, made.problems, made.elements) == ((), (), elements)


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"name": TEXT, "size": NUMBER, "note": TEXT}, ["add_field thing.note"]),
        ({"name": TEXT}, ["retire_field thing.size"]),
        ({"name": TEXT, "size": {**NUMBER, "title": "Size"}}, ["change_field thing.size"]),
        (
            {"name": TEXT, "weight": {**NUMBER, "crm": {"renamed_from": "size"}}},
            ["rename_field thing.weight", "change_field thing.weight"],
        ),
        (
            {"name": TEXT, "size": {**NUMBER, "crm": {"index": True}}},
            ["change_field thing.size", "add_index thing"],
        ),
        ({"name": TEXT, "size": TEXT}, ["convert_field thing.size"]),
    ],
)
def test_operations(properties: dict[str, Any], expected: list[str]) -> None:
    assert kinds(plan(start(size=NUMBER), [element("thing", object_body(properties))])) == expected


def test_rename_keeps_id_and_column() -> None:
    elements = start(size=NUMBER)
    renamed = {"name": TEXT, "weight": {**NUMBER, "crm": {"renamed_from": "size"}}}
    made = plan(elements, [element("thing", object_body(renamed))])
    old = plan(elements, elements)
    assert stored(made)["weight"]["crm"]["id"] == stored(old)["size"]["crm"]["id"]
    assert stored(made)["weight"]["crm"]["column"] == "size"
    again = plan(made.elements, [element("thing", object_body(renamed))])
    assert not again.operations


def test_two_fields_swap_their_names() -> None:
    elements = start(a=NUMBER, b=NUMBER)
    properties = stored(plan(elements, elements))
    swapped = {"name": properties["name"], "b": properties["a"], "a": properties["b"]}
    made = plan(elements, [replace(elements[0], body={**elements[0].body, "properties": swapped})])
    assert kinds(made) == ["rename_field thing.b", "rename_field thing.a"]
    columns = {name: p["crm"]["column"] for name, p in stored(made).items()}
    assert columns == {"name": "name", "b": "a", "a": "b"}


def test_new_field_under_a_freed_name_gets_its_own_column() -> None:
    elements = start(size=NUMBER)
    renamed = plan(
        elements,
        [
            element(
                "thing",
                object_body({"name": TEXT, "w": {**NUMBER, "crm": {"renamed_from": "size"}}}),
            )
        ],
    )
    with_new = object_body(
        {"name": TEXT, "w": {**NUMBER, "crm": {"renamed_from": "size"}}, "size": TEXT}
    )
    made = plan(renamed.elements, [element("thing", with_new)])
    assert kinds(made) == ["add_field thing.size"]
    assert stored(made)["size"]["crm"]["column"] == "size_2"
    assert stored(made)["w"]["crm"]["column"] == "size"


def test_retired_field_comes_back_with_its_data() -> None:
    elements = start(size=NUMBER)
    retired = plan(elements, [element("thing", object_body({"name": TEXT}))])
    assert retired.destructive == ("thing.size",)
    assert stored(retired)["size"]["crm"]["retired"] is True
    unchanged = plan(retired.elements, [element("thing", object_body({"name": TEXT}))])
    assert not unchanged.operations
    back = plan(retired.elements, elements)
    assert kinds(back) == ["restore_field thing.size"]
    assert back.elements == elements


def test_object_is_retired_restored_renamed() -> None:
    elements = start()
    retired = plan(elements, [])
    assert (kinds(retired), retired.destructive) == (["retire_object thing"], ("thing",))
    assert kinds(plan(retired.elements, elements)) == ["restore_object thing"]
    renamed = plan(elements, [element("item", object_body({"name": TEXT}, renamed_from="thing"))])
    assert kinds(renamed) == ["rename_object item", "change_object item"]
    assert renamed.elements[0].id == elements[0].id
    assert renamed.elements[0].body["crm"]["table"] == "o_thing"  # type: ignore[index]  # JSON
    # The old name is free, its table is not.
    both = plan(
        renamed.elements, [*renamed.elements, element("thing", object_body({"name": TEXT}))]
    )
    made = next(item for item in both.elements if item.name == "thing")
    assert made.body["crm"]["table"] == "o_thing_2"  # type: ignore[index]  # JSON


def test_draft_of_a_rename_beside_the_old_element() -> None:
    elements = start()
    renamed = element("item", object_body({"name": TEXT}, renamed_from="thing"))
    made = plan(elements, [*elements, renamed])
    assert [item.name for item in made.elements] == ["item"]


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        (TEXT, {"type": "string", "crm": {"field": "reference", "to": "a"}}, "cannot_convert"),
        (TEXT, NUMBER, None),
        (NUMBER, {**NUMBER, "crm": {"scale": 2}}, None),
        (
            {"type": "string", "crm": {"field": "reference", "to": "a"}},
            {"type": "string", "crm": {"field": "reference", "to": "b"}},
            "cannot_convert",
        ),
        (TEXT, {"type": "string", "crm": {"field": "long_text"}}, None),
    ],
)
def test_conversions(before: dict[str, Any], after: dict[str, Any], code: str | None) -> None:
    others = [element(name, object_body({"name": TEXT})) for name in ("a", "b")]
    stored_elements = plan([], [*others, element("thing", object_body({"size": before}))]).elements
    made = plan(stored_elements, [*others, element("thing", object_body({"size": after}))])
    assert [problem.code for problem in made.problems] == ([code] if code else [])


def test_other_elements_are_added_changed_removed() -> None:
    role = element("boss", {"name": "boss", "title": "Boss", "grants": {}}, "role")
    first = plan([], [role])
    assert kinds(first) == ["add_element"]
    changed = plan(first.elements, [replace(role, body={**role.body, "title": "Chief"})])
    assert kinds(changed) == ["change_element"]
    assert changed.elements[0].id == first.elements[0].id
    assert kinds(plan(first.elements, [])) == ["remove_element"]
