"""Forms from definitions: only what may be written, in the reader's language."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from werkzeug.datastructures import MultiDict

from metadata.access import Access, FieldRight, everything
from metadata.catalog import Catalog, build_catalog
from metadata.elements import Element
from metadata.forms import attach_problems, form_class
from metadata.problems import Problem
from metadata.published import record_schema

DOCUMENT: dict[str, Any] = {
    "title": "Deal",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "title": "Name", "maxLength": 40},
        "data": {"type": "string", "title": "Data", "crm": {"placeholder": "Anything"}},
        "stage": {"enum": ["new", "won"], "default": "new", "title": "Stage"},
        "share": {"type": "number", "maximum": 1, "crm": {"field": "percent"}},
        "done": {"type": "boolean"},
        "account": {"type": "string", "crm": {"field": "reference", "to": "account"}},
        "score": {"type": "integer", "readOnly": True},
    },
}
ZH: dict[str, Any] = {
    "objects": {
        "deal": {
            "fields": {
                "name": {"title": "名称"},
                "stage": {"title": "阶段", "options": {"new": "新建", "won": "赢单"}},
            }
        },
        "account": {"title": "客户"},
    }
}


@pytest.fixture
def catalog() -> Catalog:
    account = {"title": "Account", "properties": {"name": {"type": "string"}}}
    return build_catalog(
        1,
        [
            Element("1", "object", "account", "local", account),
            Element("2", "object", "deal", "local", DOCUMENT),
            Element("3", "translations", "local/zh", "local", ZH),
        ],
    )


def make(catalog: Catalog, language: str = "en", access: Access | None = None) -> Any:
    rights = access or everything("deal")
    return form_class(catalog, catalog.objects["deal"], rights, language)


def test_inputs_follow_the_definition(catalog: Catalog) -> None:
    form = make(catalog)()
    assert [field.name for field in form] == ["name", "data", "stage", "share", "done", "account"]
    assert str(form["name"]()) == (
        '<input id="name" maxlength="40" name="name" required type="text" value="">'
    )
    assert form["name"].flags.required
    assert 'placeholder="Anything"' in str(form["data"]())
    assert '<option value="new" selected>New</option>' in str(form["stage"]())
    assert 'data-max="100"' in str(form["share"]())
    assert 'data-object="account"' in str(form["account"]())


def test_labels_in_the_readers_language(catalog: Catalog) -> None:
    form = make(catalog, "zh")()
    assert form["name"].label.text == "名称"
    assert '<option value="won">赢单</option>' in str(form["stage"]())
    assert 'data-object-label="客户"' in str(form["account"]())


def test_fields_without_right_are_not_there(catalog: Catalog) -> None:
    """Neither hidden inputs nor forged ones: the class has no such field."""
    rights = {"name": FieldRight.READ, "data": FieldRight.HIDDEN}
    access = Access("deal", True, {}, rights, FieldRight.EDIT)
    form = make(catalog, access=access)(MultiDict({"name": "x", "data": "y", "stage": "won"}))
    assert form.values == {"stage": "won", "done": False}
    assert "name" not in form


def test_order_and_choice_of_fields(catalog: Catalog) -> None:
    names = ["stage", "name", "score", "nothing", "created_at", "stage"]
    kind = form_class(catalog, catalog.objects["deal"], everything("deal"), fields=names)
    assert [field.name for field in kind()] == ["stage", "name"]


def test_problems_stand_at_their_inputs(catalog: Catalog) -> None:
    form = make(catalog, "zh")(MultiDict({"name": "<b>", "stage": "won"}))
    attach_problems(
        form,
        [
            Problem("/name", "max_length", {"limit": 2, "length": 3}),
            Problem("/name", "required"),
            Problem("/score", "minimum", {"limit": 0}),
            Problem("", "rule", {"message": "no"}),
        ],
        "zh",
    )
    assert form["name"].errors == ["最多 2 个字符，现有 3 个", "必须填写"]
    assert form.form_errors == ["不能小于 0", "no"]
    assert "&lt;b&gt;" in str(form["name"]())


def test_what_was_typed_stays(catalog: Catalog) -> None:
    form = make(catalog)(MultiDict({"share": "a lot"}))
    assert form.values["share"] == "a lot"
    assert 'value="a lot"' in str(form["share"]())


def test_retired_option_is_offered_only_where_it_is_the_value() -> None:
    options = {"old": {"retired": True}}
    document = {"properties": {"stage": {"enum": ["new", "old"], "crm": {"options": options}}}}
    catalog = build_catalog(1, [Element("1", "object", "deal", "local", document)])
    kind = form_class(catalog, catalog.objects["deal"], everything("deal"))
    assert "old" not in str(kind(record={"stage": "new"})["stage"]())
    assert "old" in str(kind(record={"stage": "old"})["stage"]())


def test_record_schema_shows_what_the_caller_may(catalog: Catalog) -> None:
    access = Access("deal", True, {}, {"data": FieldRight.HIDDEN}, FieldRight.EDIT)
    deal = catalog.objects["deal"]
    reading = record_schema(deal, access, "zh", writing=False)
    writing = record_schema(deal, access, writing=True)
    Draft202012Validator.check_schema(reading)
    assert list(as_mapping(writing["properties"])) == ["name", "stage", "share", "done", "account"]
    assert "data" not in as_mapping(reading["properties"])
    assert {"id", "version", "score"} <= set(as_mapping(reading["properties"]))
    assert as_mapping(reading["properties"])["name"] == {
        "title": "名称",
        "type": ["string", "null"],
        "maxLength": 40,
    }
    assert writing["required"] == ["name"]
    validator = Draft202012Validator(writing)
    assert validator.is_valid({"name": "x", "stage": None, "share": "0.5"})
    assert not validator.is_valid({"name": "x" * 41})
    assert not validator.is_valid({"name": "x", "data": "y"})


def as_mapping(value: object) -> dict[str, object]:
    assert isinstance(value, dict)
    return value
