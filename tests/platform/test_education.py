"""The education package at work: a school day of advisors, teachers and heads, with its demo."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from metadata.packages.install import install
from metadata.packages.read import read_package
from tests.platform.acting import acting, make, stored, system
from tests.platform.conftest import Template, make_settings
from tests.platform.world import PASSWORD
from trellis import approvals
from trellis.bundled import known_packages
from trellis.demo.load import load_demo
from trellis.errors import Missing, Refused
from trellis.records.read import read_record
from trellis.records.save import save_record
from trellis.runtime import Platform, open_platform
from trellis.security.users import create_user
from trellis.security.versions import watch_security

SHARE = 8
STAFF = {
    "gina": ("regional_director", None),
    "hank": ("campus_head", "gina"),
    "ada": ("advisor", "hank"),
    "bo": ("advisor", "hank"),
    "tina": ("teacher", "hank"),
    "uwe": ("teacher", "hank"),
    "aki": ("academic_admin", "gina"),
}

Make = Callable[..., str]


@pytest.fixture(scope="module")
def school(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform with the package, its staff, a campus and a course."""
    folder = tmp_path_factory.mktemp("school")
    with template.copy(folder) as database_url:
        platform = open_platform(make_settings(database_url, folder))
        with platform.database.write() as connection:
            install(connection, read_package(known_packages()["education"]), by="system")
            watch_security(connection)
            catalog = platform.catalogs.current(connection)
            ids: dict[str, str] = {}
            for username, (role, manager) in STAFF.items():
                values = {
                    "username": username,
                    "name": username.title(),
                    "email": f"{username}@example.com",
                    "manager": ids.get(manager or ""),
                }
                ids[username] = create_user(
                    connection, catalog, values, password=PASSWORD, roles=[role]
                )
        with system(platform) as unit:
            campus = {"name": "North", "code": "NO", "head": "hank"}
            save_record(unit, "campus", None, campus, channel="api")
        course = {"code": "PY", "name": "Python", "subject": "coding", "hours": 20, "price": "2000"}
        make(platform, "aki", "course", **course, syllabus=[{"title": "Loops"}, {"title": "Names"}])
        yield platform
        platform.close()


@pytest.fixture
def group(school: Platform) -> str:
    """A class with two seats, taught by tina."""
    place = {"course": "PY", "campus": "NO", "teacher": "tina", "room": "R1"}
    return make(school, "aki", "class_group", name="Saturday", status="open", capacity=2, **place)


def enrol(school: Platform, group: str, name: str, **values: object) -> tuple[str, str]:
    """Makes a student of ada's and an enrolment; gives both ids."""
    parent = make(school, "ada", "guardian", name="Li", consent=True, consent_on="2026-01-05")
    student = make(
        school, "ada", "student", name=name, campus="NO", grade="g3", phone="+86 139 1234 5678",
        birth_date="2017-05-01", guardians=[{"id": parent, "relation": "mother"}],
    )  # fmt: skip
    filled = {"student": student, "class_group": group, "hours_bought": 10, **values}
    return student, make(school, "ada", "enrolment", **filled)


def change(school: Platform, who: str, name: str, record_id: str, **values: object) -> None:
    """Changes a record as somebody."""
    with acting(school, who) as unit:
        save_record(unit, name, record_id, values, channel="api")


def refused(
    school: Platform, who: str, kind: str, record_id: str | None, **values: object
) -> set[tuple[str, str]]:
    """Gives path and code of what keeps somebody from saving."""
    with pytest.raises(Refused) as error, acting(school, who) as unit:
        save_record(unit, kind, record_id, values, channel="api")
    return {(problem.path, problem.code) for problem in error.value.problems}


def test_hours_flow_from_lessons_to_the_student(school: Platform, group: str) -> None:
    student, enrolment = enrol(school, group, "Mia")
    change(school, "ada", "enrolment", enrolment, state="active")
    times = {"starts_at": "2026-03-07T01:00:00Z", "ends_at": "2026-03-07T03:00:00Z"}
    row = {"enrolment": enrolment, "state": "present"}
    lesson = make(
        school, "tina", "lesson", topic="Loops", class_group=group, attendance=[row], **times
    )
    assert stored(school, "lesson", lesson)["present"] == 1
    place = stored(school, "enrolment", enrolment)
    assert (place["hours_used"], place["hours_left"], place["price"].amount) == (2, 8, 2000)
    found = stored(school, "student", student)
    assert (found["balance_hours"], found["lessons_attended"], found["attendance_rate"]) == (
        8,
        1,
        1,
    )
    assert found["student_no"].startswith("S-")
    (kept,) = (row for row in children(school, "attendance", "lesson", lesson))
    change(school, "tina", "lesson", lesson, attendance=[{"id": kept, "state": "absent"}])
    assert stored(school, "student", student)["attendance_rate"] == 0
    change(school, "tina", "lesson", lesson, attendance=[])
    assert stored(school, "student", student)["balance_hours"] == 10


def children(school: Platform, name: str, field: str, parent: str) -> list[str]:
    """Gives the ids of a record's rows."""
    with system(school) as unit:
        found = unit.records().children(name, field, [parent], ["id"])
    return [str(one["id"]) for one in found.get(parent, ())]


def test_a_class_fills_up_and_opens_again(school: Platform, group: str) -> None:
    places = [enrol(school, group, name)[1] for name in ("Mia", "Leo", "Ben")]
    for place in places[:2]:
        change(school, "ada", "enrolment", place, state="active")
    assert stored(school, "class_group", group)["seats_left"] == 0
    assert refused(school, "ada", "enrolment", places[2], state="active") == {("/state", "rule")}
    change(school, "ada", "enrolment", places[2], state="waiting")
    change(school, "ada", "enrolment", places[0], state="refunded")
    assert stored(school, "class_group", group)["waiting"] == 1
    change(school, "ada", "enrolment", places[2], state="active")
    assert stored(school, "class_group", group)["fill_rate"] == 1


def test_nobody_is_in_two_places_at_once(school: Platform, group: str) -> None:
    times = {"starts_at": "2026-03-08T01:00:00Z", "ends_at": "2026-03-08T03:00:00Z"}
    lesson = {"topic": "Loops", "class_group": group}
    first = make(school, "aki", "lesson", **lesson, **times)
    late = {"starts_at": "2026-03-08T02:59:00Z", "ends_at": "2026-03-08T05:00:00Z"}
    found = refused(school, "aki", "lesson", None, **lesson, **late)
    assert {code for _path, code in found} == {"overlaps"}
    change(school, "aki", "lesson", first, status="cancelled")
    make(school, "aki", "lesson", **lesson, **late)
    after = {"starts_at": "2026-03-08T05:00:00Z", "ends_at": "2026-03-08T06:00:00Z"}
    make(school, "aki", "lesson", **lesson, **after)


def test_a_large_discount_takes_its_way(school: Platform, group: str) -> None:
    discount = {"discount": "0.15", "discount_reason": "Second child"}
    _, place = enrol(school, group, "Mia", **discount)
    assert refused(school, "ada", "enrolment", place, state="active") == {("/discount", "rule")}
    with acting(school, "ada") as unit:
        approvals.submit(unit, "enrolment", place)
    with acting(school, "hank") as unit:
        (request,) = approvals.of_record(unit, "enrolment", place)
        approvals.decide(unit, request.id, "approve", "")
    change(school, "ada", "enrolment", place, state="active")
    assert stored(school, "enrolment", place)["price"].amount == 1700


SEEN: Mapping[str, Mapping[str, bool]] = {
    "ada": {"phone": True, "guardians": True, "attendance_rate": True},
    "hank": {"phone": True, "guardians": True, "attendance_rate": True},
    "tina": {"phone": False, "guardians": False, "attendance_rate": True},
}


def test_each_sees_what_is_theirs(school: Platform, group: str) -> None:
    student, _ = enrol(school, group, "Mia")
    for who, fields in SEEN.items():
        with acting(school, who) as unit:
            record = read_record(unit, "student", student)
            assert {name: name in record for name in fields} == fields, who
    for who in ("bo", "uwe"):
        with acting(school, who) as unit, pytest.raises(Missing):
            read_record(unit, "student", student)
    with acting(school, "tina") as unit:
        place = unit.records().list("enrolment").items[0]
    assert "price" not in place
    assert "hours_left" in place


def test_a_child_needs_a_grade_that_children_have(school: Platform, group: str) -> None:
    wanted = {"name": "Mia", "campus": "NO"}
    found = refused(school, "ada", "student", None, **wanted, grade="adult", record_type="child")
    assert {path for path, _code in found} == {"/grade"}
    make(school, "ada", "student", **wanted, grade="adult", record_type="adult")


def smaller(recipe: dict[str, object]) -> dict[str, object]:
    """Gives a recipe with fewer records of each object."""
    groups = recipe["objects"]
    assert isinstance(groups, list)
    for one in groups:
        one["count"] = max(4, one["count"] // SHARE)
    return recipe


def test_its_demo_is_a_world(template: Template, tmp_path: Path) -> None:
    folder = tmp_path / "education"
    shutil.copytree(known_packages()["education"], folder)
    file = folder / "demo" / "generate.json"
    file.write_text(json.dumps(smaller(json.loads(file.read_text("utf-8")))), "utf-8")
    with template.copy(tmp_path) as database_url:
        platform = open_platform(make_settings(database_url, tmp_path))
        with platform.database.write() as connection:
            install(connection, read_package(folder), by="system")
            watch_security(connection)
        made = load_demo(platform, folder, password=PASSWORD)
        assert {name for name, number in made.items() if not number} <= {"refund_request"}
        with system(platform) as unit:
            students = unit.records().list("student", limit=200).items
            assert {one["campus"] for one in students} != {None}
            assert any(one["lessons_recorded"] for one in students)
            assert {one["stage"] for one in students} >= {"lead", "trial"}
        assert load_demo(platform, folder, password=PASSWORD) == {}
        platform.close()
