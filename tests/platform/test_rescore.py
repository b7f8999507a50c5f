"""`trellis rescore`: afterwards every stored score is what the record itself gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from metadata.access import SYSTEM
from rule_engine.services.score import score
from tests.platform.acting import make, stored
from tests.platform.test_demo import Demo, demo, package
from trellis.automation.environment import environment_of
from trellis.automation.scores import filled
from trellis.cli import trellis
from trellis.runtime import Platform
from trellis.scoring.rescoring import Rescored, rescore
from trellis.unit import Unit
from trellis.work import unit_for

__all__ = ["demo", "package"]

BROKEN = {"score": 1, "score_grade": None}
#: The base package's score, with a condition more that no database can say.
BY_RECORDS = ("    group", '    add 7 when name matches "^[A-M]"\n    group')


#: More than the field keeps, for all that do not come to 0.
TOO_MUCH = ("base 10\n    range 0 to 100", "base 100000000000000000 * 100")


@contextmanager
def undone(demo: Demo, *changes: tuple[str, str]) -> Iterator[Unit]:
    """Gives a unit of work on the demo world, with rules changed, that is rolled back."""
    with demo.platform.database.read() as connection:
        catalog = demo.platform.catalogs.current(connection)
        for change in changes:
            rules = {name: text.replace(*change) for name, text in catalog.rules.items()}
            catalog = replace(catalog, rules=rules, stored_program=None)
        yield unit_for(demo.platform, connection, catalog, SYSTEM)


def wrong(unit: Unit, now_of: Unit) -> list[str]:
    """Gives the ids of leads whose stored score is not what their rules give."""
    definition = unit.catalog.objects["lead"]
    (rules,) = unit.catalog.program.for_object("lead").scores
    ids = unit.connection.scalars(sa.select(unit.catalog.tables["lead"].c.id)).all()
    environment = environment_of(now_of)
    found = []
    for record_id, record in unit.records().by_ids("lead", ids).items():
        result = score(rules, record, environment)
        if result is not None:
            values = filled(definition, rules, result)
            found += [record_id for name, value in values.items() if record[name] != value]
    return sorted(set(found))


@pytest.mark.parametrize("by_records", [False, True])
def test_all_leads_come_right(demo: Demo, by_records: bool) -> None:
    with undone(demo, *[BY_RECORDS] * by_records) as unit:
        later = replace(unit, moment=replace(unit.moment, now=unit.moment.now + timedelta(days=90)))
        table = unit.catalog.tables["lead"]
        versions = sa.select(table.c.id, table.c.version).order_by(table.c.id)
        before = unit.connection.execute(versions).all()
        unit.connection.execute(sa.update(table).values(BROKEN))
        broken = wrong(later, later)
        (planned,) = rescore(lambda: nullcontext(later), "lead", dry_run=True)
        assert wrong(later, later) == broken
        (report,) = rescore(lambda: nullcontext(later), "lead")
        assert wrong(later, later) == []
        assert len(broken) == planned.changed == report.changed > 0
        assert [sample.id for sample in planned.samples] == broken[: len(planned.samples)]
        assert all(sample.old == (1, None) for sample in planned.samples)
        assert bool(report.reason) is by_records
        assert unit.connection.execute(versions).all() == before
        (again,) = rescore(lambda: nullcontext(later), "lead")
        assert again == Rescored("lead", "lead_score", report.reason)


@pytest.mark.parametrize("by_records", [False, True])
def test_points_that_do_not_fit_are_left_alone(demo: Demo, by_records: bool) -> None:
    with undone(demo, TOO_MUCH, *[BY_RECORDS] * by_records) as unit:
        table = unit.catalog.tables["lead"]
        (rules,) = unit.catalog.program.for_object("lead").scores
        ids = unit.connection.scalars(sa.select(table.c.id).order_by(table.c.id)).all()
        records, environment = unit.records().by_ids("lead", ids), environment_of(unit)
        results = {key: score(rules, records[key], environment) for key in ids}
        large = [key for key, result in results.items() if result and result.points >= 10**18]
        assert large
        unit.connection.execute(sa.update(table).values(BROKEN))
        (report,) = rescore(lambda: nullcontext(unit), "lead")
        assert (report.refused, report.refused_samples) == (len(large), large[:5])
        assert report.changed == sum(result is not None for result in results.values()) - len(large)
        left = sa.select(table.c.id).where(table.c.score == 1).where(table.c.id.in_(large))
        assert sorted(unit.connection.scalars(left)) == large


@pytest.mark.usefixtures("people")
def test_the_command(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    lead = make(platform, "rita", "lead", name="Li", email="li@acme.cn", employees=1500)
    with platform.database.write() as connection:
        table = platform.catalogs.current(connection).tables["lead"]
        connection.execute(sa.update(table).values(BROKEN))
    monkeypatch.setenv("TRELLIS_INSTANCE", str(platform.settings.instance))
    monkeypatch.setenv("TRELLIS_DATABASE_URL", platform.settings.database_url)
    monkeypatch.setenv("TRELLIS_SECRET_KEY", platform.settings.secret_key)
    said = {
        ("--dry-run",): f"lead.lead_score: 1 would change\n  {lead}  1 (empty) → 30 c\n",
        (): "lead.lead_score: 1 changed\n",
        ("lead",): "lead.lead_score: 0 changed\n",
        ("account",): "",
    }
    for arguments, output in said.items():
        result = CliRunner().invoke(trellis, ["rescore", *arguments])
        assert (result.exit_code, result.output) == (0, output)
    assert (stored(platform, "lead", lead)["score"], stored(platform, "lead", lead)["version"]) == (
        30,
        1,
    )
    refused = CliRunner().invoke(trellis, ["rescore", "leed"])
    assert (refused.exit_code, refused.output.splitlines()[0][:42]) == (
        1,
        "Error: no object 'leed'; there are: accoun",
    )
