"""The catalog: what hangs off it, in which language, and how fast it is made."""

from __future__ import annotations

import time
from typing import Any

import pytest

from metadata.access import EVERYTHING, NOTHING, FieldRight, Rows
from metadata.catalog import Catalog, build_catalog
from metadata.elements import Element
from metadata.problems import DefinitionError
from metadata.roles import Person, access_of

ACCOUNT: dict[str, Any] = {
    "title": "Account",
    "properties": {"name": {"type": "string"}, "size": {"type": "integer"}},
    "crm": {"plural": "Accounts"},
}
DEAL: dict[str, Any] = {
    "title": "Deal",
    "properties": {
        "name": {"type": "string"},
        "account": {"type": "string", "crm": {"field": "reference", "to": "account"}},
    },
    "crm": {"plural": "Deals"},
}
REP: dict[str, Any] = {
    "grants": {
        "*": {"read": "all"},
        "deal": {
            "create": True,
            "read": "own",
            "update": "own",
            "export": True,
            "fields": {"name": "read"},
            "share": [{"read": 'name = "x"', "because": "mine too"}],
        },
        "setting": {"read": "own", "create": True},
    }
}
MANAGER: dict[str, Any] = {"grants": {"deal": {"read": "subtree", "update": "team"}}}
SETTING: dict[str, Any] = {"properties": {"name": {"type": "string"}}, "crm": {"owner": False}}
ZH: dict[str, Any] = {
    "objects": {"deal": {"title": "商机", "plural": "全部商机"}},
    "views": {"deal": {"mine": "我的商机"}},
    "layouts": {"deal": {"form": {"title": "表单", "sections": {"Main": "主要"}}}},
    "roles": {"rep": {"title": "销售"}},
    "messages": {"Too late": "太晚了"},
}


def element(kind: str, name: str, body: dict[str, Any], package: str = "crm") -> Element:
    return Element(f"{kind}-{name}", kind, name, package, body)


@pytest.fixture
def catalog() -> Catalog:
    old = {"properties": {"name": {"type": "string"}}, "crm": {"retired": True}}
    view = {"title": "Mine", "columns": ["name"], "roles": ["rep"], "default": True}
    layout = {"title": "Form", "kind": "form", "sections": [{"title": "Main", "fields": ["name"]}]}
    return build_catalog(
        7,
        [
            element("package", "crm", {"name": "crm", "version": "1.2.0"}),
            element("object", "account", ACCOUNT),
            element("object", "deal", DEAL),
            element("object", "setting", SETTING),
            element("object", "old_thing", old),
            element("role", "rep", REP),
            element("role", "manager", MANAGER),
            element("view", "deal/mine", view),
            element("view", "deal/all", {"title": "All", "columns": ["name"]}),
            element("layout", "deal/form", layout),
            element("translations", "crm/zh", ZH),
            element("translations", "local/zh", {"roles": {"rep": "销售员"}}, "local"),
        ],
    )


def test_empty_catalog() -> None:
    catalog = build_catalog(0, ())
    assert catalog.objects == {}
    assert catalog.tables == {}
    assert catalog.schema.objects == {}


def test_what_is_in_it(catalog: Catalog) -> None:
    assert catalog.version == 7
    assert catalog.packages == {"crm": "1.2.0"}
    assert list(catalog.objects) == ["account", "deal", "setting"]
    assert list(catalog.retired) == ["old_thing"]
    assert set(catalog.tables) == {"account", "deal", "setting", "old_thing"}
    assert list(catalog.children("account")) == ["deals"]
    assert catalog.schema.objects["account"].links["deals"].target == "deal"


def test_labels_by_language(catalog: Catalog) -> None:
    deal = catalog.objects["deal"]
    assert (deal.label("zh"), deal.plural("zh"), deal.label("en")) == ("商机", "全部商机", "Deal")
    assert catalog.objects["account"].label("zh") == "Account"
    assert catalog.views("deal")["mine"].label("zh") == "我的商机"
    assert catalog.layout("deal", "form").sections[0].label("zh") == "主要"
    assert catalog.label(catalog.roles["rep"], "zh") == "销售员"
    assert catalog.message("Too late", "zh") == "太晚了"
    assert catalog.message("Too soon", "zh") == "Too soon"
    assert deal.fields["owner"].label("zh") == "负责人"


def test_default_view(catalog: Catalog) -> None:
    assert catalog.default_view("deal", frozenset({"rep"})).name == "mine"
    assert catalog.default_view("deal").name == "all"
    usual = catalog.default_view("account")
    assert usual.columns == ("name", "size", "owner")


def test_layouts_fall_back_to_everything(catalog: Catalog) -> None:
    layout = catalog.layout("account", "record")
    assert layout.fields == ("name", "size")
    assert [related.name for related in layout.related] == ["deals"]


def test_rights(catalog: Catalog) -> None:
    roles = [catalog.roles["rep"], catalog.roles["manager"]]
    person = Person("u1", frozenset({"t1"}), frozenset({"u2"}))
    rep = access_of(roles[:1], person, catalog.objects)
    assert rep["deal"].reach("read") == Rows(owners=frozenset({"u1"}), conditions=('name = "x"',))
    assert rep["deal"].reach("export") == EVERYTHING
    assert rep["deal"].reach("delete") == NOTHING
    assert rep["deal"].right("name") is FieldRight.READ
    assert rep["deal"].right("account") is FieldRight.EDIT
    assert rep["account"].reach("read") == EVERYTHING
    assert rep["account"].right("name") is FieldRight.READ
    assert rep["setting"].reach("read") == NOTHING
    both = access_of(roles, person, catalog.objects)["deal"]
    assert both.reach("read").owners == frozenset({"u1", "u2"})
    assert both.reach("update") == Rows(owners=frozenset({"u1"}), teams=frozenset({"t1"}))
    assert both.right("name") is FieldRight.EDIT
    assert access_of([], person, catalog.objects) == {}


def test_unreadable_object_is_refused() -> None:
    with pytest.raises(DefinitionError, match="an object needs properties"):
        build_catalog(1, [element("object", "deal", {})])


def test_building_takes_no_more_than_its_share() -> None:
    """Ten times the objects take at most about ten times as long; the best of three each."""
    fields: dict[str, Any] = {f"f{n}": {"type": "string", "maxLength": 80} for n in range(10)}
    fields |= {f"n{n}": {"type": "number", "minimum": 0} for n in range(5)}
    fields |= {f"c{n}": {"enum": ["a", "b", "c"], "default": "a"} for n in range(5)}
    elements = [element("object", f"object{n}", {"properties": fields}) for n in range(100)]

    def seconds(count: int) -> float:
        start = time.process_time()
        build_catalog(1, elements[:count])
        return time.process_time() - start

    few, many = (min(seconds(count) for _ in range(3)) for count in (10, 100))
    assert many < 25 * few
