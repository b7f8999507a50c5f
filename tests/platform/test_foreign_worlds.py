"""Other people's data through the public API: objects from JSON, files into records, no code.

What is counted and added up afterwards equals what the files say. One database takes a world as a
whole and the other its beginning; `make soak` has both take all of it, and all purchases of CDNOW.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from tests.platform.world import Bearer
from trellis.jobs.running_loop import drain_jobs
from trellis.runtime import Platform

FOLDER = Path(__file__).parent / "foreign"
PERSON = "diana"
RIGHTS = {"create": True, "read": "all", "import": True}

Line = Mapping[str, str]
Key = Callable[[Line], object]


class World:
    """A world of objects, made, filled and asked by requests alone."""

    def __init__(self, app: Flask, bearer: Bearer, platform: Platform) -> None:
        self.client = app.test_client()
        self.headers = {name: bearer(name) for name in ("admin", PERSON)}
        self.platform = platform

    def ask(self, who: str, method: str, address: str, **sent: Any) -> Any:
        """Sends a request that has to succeed."""
        headers = self.headers[who]
        answer = self.client.open(f"/api/v1/{address}", method=method, headers=headers, **sent)
        assert answer.status_code < 300, (address, answer.get_json())
        return answer.get_json()

    def make(self, name: str) -> None:
        """Publishes the objects of a world, and lets one person import into them."""
        objects = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
        for object_name, definition in objects.items():
            self.ask("admin", "PUT", f"meta/objects/{object_name}", json=definition)
        role = self.ask("admin", "GET", "meta/roles/sales_director")
        role["grants"] |= dict.fromkeys(objects, RIGHTS)
        self.ask("admin", "PUT", "meta/roles/sales_director", json=role)
        plan = self.ask("admin", "POST", "meta/plan")
        assert plan["problems"] == []
        self.ask("admin", "POST", "meta/publish", json={"token": plan["token"]})

    def bring(self, object_name: str, rows: Sequence[Line], **settings: object) -> dict[str, int]:
        """Imports a table, whose columns are known by themselves, and gives its counts."""
        file = FileStorage(io.BytesIO(written(rows)), f"{object_name}.csv")
        boundary, body = encode_multipart({"file": file})
        form = {"data": body, "content_type": f"multipart/form-data; boundary={boundary}"}
        run = self.ask(PERSON, "POST", f"{object_name}/import", **form)
        assert run["missing"] == [], run
        address = f"{object_name}/import/{run['id']}"
        self.ask(PERSON, "POST", f"{address}/run", json=settings)
        drain_jobs(self.platform)
        run = self.ask(PERSON, "GET", address)
        assert (run["job"]["state"], run["problems"]) == ("done", [])
        counts: dict[str, int] = run["counts"]
        return counts

    def sums(
        self, object_name: str, group: Sequence[str], *measures: str, **wanted: str
    ) -> dict[tuple[object, ...], list[Decimal]]:
        """Asks for the number of records and measures by groups."""
        wanted |= {"group": ",".join(group), "measure": ",".join(("count()", *measures))}
        found = self.ask(PERSON, "GET", f"{object_name}/aggregate", query_string=wanted)
        return {
            tuple(item[one] for one in group): [number(item[one]) for one in ("count()", *measures)]
            for item in found["items"]
        }


def number(value: Any) -> Decimal:
    """Gives what a measure says; amounts are all of one currency."""
    return Decimal(str(value["amount"] if isinstance(value, Mapping) else value))


def lines(file: Path, most: int | None = None) -> list[Line]:
    """Gives the first rows of a CSV file."""
    with file.open(encoding="utf-8", newline="") as content:
        return list(islice(csv.DictReader(content), most))


def written(rows: Sequence[Line]) -> bytes:
    """Gives rows as a CSV file."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def referred(rows: Iterable[Line], column: str, others: Iterable[Line]) -> list[Line]:
    """Gives the rows that agree in a column with one of others."""
    wanted = {row[column] for row in others}
    return [row for row in rows if row[column] in wanted]


def expected(
    rows: Iterable[Line], keys: Sequence[Key], *columns: str
) -> dict[tuple[object, ...], list[Decimal]]:
    """Counts rows and adds columns up by groups: what the file itself says."""
    found: dict[tuple[object, ...], list[Decimal]] = {}
    for row in rows:
        group = found.setdefault(tuple(key(row) for key in keys), [Decimal()] * (len(columns) + 1))
        group[0] += 1
        for place, column in enumerate(columns, 1):
            group[place] += Decimal(row[column])
    return found


def of(column: str, table: Mapping[str, Line] | None = None, by: str = "") -> Key:
    """Gives the key that a column is, or a column of the row of another table that `by` names."""
    return lambda row: row[column] if table is None else table[row[by]][column]


def option(column: str) -> Key:
    """Gives the key that the option is which a column names by its title."""
    return lambda row: row[column].lower().replace(" ", "_")


@pytest.fixture
def world(app: Flask, bearer: Bearer, platform: Platform) -> World:
    return World(app, bearer, platform)


@pytest.fixture(params=["part", pytest.param("whole", marks=pytest.mark.soak_only)])
def extent(request: pytest.FixtureRequest) -> str:
    """How much of a world is taken."""
    return str(request.param)


def test_superstore(world: World, worlds: Path, extent: str, dialect: str) -> None:
    """One file of order lines becomes four objects: each takes its columns, repeats are skipped."""
    is_whole = extent == "whole" or dialect == "sqlite"
    rows = lines(worlds / "superstore.csv", None if is_whole else 1_000)
    world.make("superstore")
    for object_name, column in (
        ("shop_customer", "Customer ID"),
        ("shop_product", "Product ID"),
        ("shop_order", "Order ID"),
    ):
        counts = world.bring(object_name, rows, policy="skip", match="code")
        made = len({row[column] for row in rows})
        assert counts == {"create": made, "skip": len(rows) - made}
    assert world.bring("shop_line", rows) == {"create": len(rows)}
    by_category = ("product.category", "year(order.order_date)")
    assert world.sums("shop_line", by_category, "sum(sales)", "sum(profit)") == expected(
        rows, (option("Category"), lambda row: row["Order Date"][:4]), "Sales", "Profit"
    )
    by_segment = ("order.customer.segment", "order.ship_mode", "order.state")
    assert world.sums("shop_line", by_segment, "sum(quantity)", "sum(discount)") == expected(
        rows, (option("Segment"), option("Ship Mode"), of("State")), "Quantity", "Discount"
    )


def test_cdnow(world: World, worlds: Path, extent: str) -> None:
    """A customer is known by a number with zeros in front, a purchase by nothing."""
    rows = lines(worlds / "cdnow.csv", None if extent == "whole" else 3_000)
    world.make("cdnow")
    made = len({row["customer"] for row in rows})
    counts = world.bring("disc_customer", rows, policy="skip", match="customer")
    assert counts == {"create": made, "skip": len(rows) - made}
    assert world.bring("disc_purchase", rows) == {"create": len(rows)}
    found = world.sums("disc_purchase", ("month(date)",), "sum(dollars)", "sum(quantity)")
    assert found == expected(rows, (lambda row: row["date"][:7],), "dollars", "quantity")
    assert world.sums("disc_purchase", (), "sum(dollars)") == expected(rows, (), "dollars")
    some = 'customer.customer starts with "000"'
    by_customer = world.sums("disc_purchase", ("customer.customer",), "sum(dollars)", filter=some)
    early = [row for row in rows if row["customer"].startswith("000")]
    assert by_customer == expected(early, (of("customer"),), "dollars")


def test_leadforge(world: World, worlds: Path, extent: str, dialect: str) -> None:
    """A CRM: seven tables that refer to each other by the numbers of their own system."""
    tables = {file.stem: lines(file) for file in (worlds / "leadforge").glob("*.csv")}
    if extent == "part" and dialect == "sqlite":
        tables["leads"] = tables["leads"][:200]
        for file in ("opportunities", "sales_activities", "sessions", "touches"):
            tables[file] = referred(tables[file], "lead_id", tables["leads"])
        tables["contacts"] = referred(tables["contacts"], "contact_id", tables["leads"])
    world.make("leadforge")
    for object_name, file in {
        "saas_account": "accounts",
        "saas_contact": "contacts",
        "saas_lead": "leads",
        "saas_opportunity": "opportunities",
        "saas_activity": "sales_activities",
        "saas_session": "sessions",
        "saas_touch": "touches",
    }.items():
        assert world.bring(object_name, tables[file]) == {"create": len(tables[file])}
    leads = {row["lead_id"]: row for row in tables["leads"]}
    accounts = {row["account_id"]: row for row in tables["accounts"]}
    contacts = {row["contact_id"]: row for row in tables["contacts"]}
    source, day = of("lead_source", leads, "lead_id"), of("activity_timestamp")
    opportunities, by_stage = tables["opportunities"], ("stage", "lead.lead_source")
    assert world.sums("saas_opportunity", by_stage, "sum(estimated_acv)") == expected(
        opportunities, (of("stage"), source), "estimated_acv"
    )
    by_person = ("lead.contact.seniority", "lead.account.industry")
    assert world.sums("saas_opportunity", by_person, "sum(estimated_acv)") == expected(
        opportunities,
        (
            lambda row: contacts[leads[row["lead_id"]]["contact_id"]]["seniority"],
            lambda row: accounts[leads[row["lead_id"]]["account_id"]]["industry"],
        ),
        "estimated_acv",
    )
    assert world.sums("saas_activity", ("activity_type", "day(day)", "rep_id")) == expected(
        tables["sales_activities"], (of("activity_type"), day, of("rep_id"))
    )
    measures = ("page_views", "pricing_page_views", "demo_page_views", "session_duration_seconds")
    assert world.sums(
        "saas_session", ("session_type",), *(f"sum({one})" for one in measures)
    ) == expected(tables["sessions"], (of("session_type"),), *measures)
    assert world.sums("saas_touch", ("touch_direction", "lead.lead_source")) == expected(
        tables["touches"], (of("touch_direction"), source)
    )
    assert world.sums("saas_contact", ("account.region",)) == expected(
        tables["contacts"], (of("region", accounts, "account_id"),)
    )
