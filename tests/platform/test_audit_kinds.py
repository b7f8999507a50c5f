"""Each kind of audit event is written by what it is about, by whichever door that is done."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.packages.export import zipped
from tests.metadata.package_world import package
from tests.platform.acting import acting, change_element, make, system
from tests.platform.audit_world import LEAD, LOGIN, World
from tests.platform.conftest import Template, make_settings
from tests.platform.importing import csv_bytes, run, undo, upload
from tests.platform.test_merge import merge, unmerge
from tests.platform.test_packages import school
from tests.platform.world import PASSWORD, csrf_token
from trellis.app import create_app
from trellis.audit.kinds import DETAILS, KINDS
from trellis.audit.tables import audit_event
from trellis.automation import outbox
from trellis.automation.watch import watch_rules
from trellis.background import cancel, retry, set_paused
from trellis.departing.depart import depart
from trellis.designer.rule_states import let_go
from trellis.jobs.running import JOBS, start_job
from trellis.jobs.running_loop import drain_jobs
from trellis.records.absences import Away, end_absence, enter_absence
from trellis.records.accounts import give_roles
from trellis.records.save import save_record
from trellis.records.sharing import share_record, unshare_record
from trellis.runtime import open_platform
from trellis.scoring.foreseen import in_force
from trellis.scoring.keeping_up import start_rescoring
from trellis.scoring.shadows import end_shadows, start_shadow
from trellis.transfer.exports import EXPORT, read_question, start_export
from trellis.webhooks.delivery import switch_off
from trellis.webhooks.replay import replay
from trellis.webhooks.tables import DEAD, WEBHOOKS, webhook_delivery


@pytest.fixture(scope="module")
def world(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("audit-kinds")
    with template.copy(folder) as url:
        platform = open_platform(make_settings(url, folder))
        app = create_app(platform.settings, platform=platform)
        yield World(platform, template.people, app, folder)
        app.extensions["trellis_fab_engine"].dispose()
        platform.close()


def log_in(world: World) -> None:
    assert world.anybody().post("/api/v1/security/login", json=LOGIN).status_code == 200


def fail_to_log_in(world: World) -> None:
    body = {**LOGIN, "password": "wrong"}
    assert world.anybody().post("/api/v1/security/login", json=body).status_code == 401


def change_password(world: World) -> None:
    form = {"old": PASSWORD, "new": PASSWORD}
    assert world.client("rita").post("/profile/password", data=form).status_code == 302


def set_password(world: World) -> None:
    address = f"/api/v1/user/{world.people['rita']}/actions/set_password"
    answer = world.client("admin").post(address, json={"password": PASSWORD})
    assert answer.status_code in {200, 204}, answer.get_data(as_text=True)


def read_sensitive(world: World) -> None:
    def change(body: dict[str, Any]) -> None:
        body["properties"]["annual_revenue"].setdefault("crm", {})["sensitivity"] = "financial"

    change_element(world.platform, "object", "account", change)
    made = make(world.platform, "rita", "account", name="Acme", annual_revenue="5")
    assert world.client("rita").get(f"/api/v1/account/{made}").status_code == 200


def export(world: World) -> None:
    with acting(world.platform, "diana") as unit:
        start_export(unit, "lead", read_question(unit, "lead", {"format": "csv"}, "en"))


def export_package(world: World) -> None:
    answer = world.client("admin").get("/api/v1/packages/crm/data")
    assert answer.status_code == 200


def importing(world: World, *, silent: bool = False) -> Any:
    content = csv_bytes([list(LEAD), list(LEAD.values())])
    started = upload(world.platform, "admin", "lead", content)
    run(world.platform, "admin", started, silent=silent)
    return started


def import_and_undo(world: World) -> None:
    undo(world.platform, "admin", importing(world))


def merge_two(world: World) -> str:
    keep, gone = world.lead(), world.lead()
    merge(world.platform, "lead", keep, [gone])
    return keep


def lock(world: World, *, active: bool) -> None:
    with acting(world.platform, "admin") as unit:
        save_record(unit, "user", world.people["fay"], {"active": not active}, channel="api")
        save_record(unit, "user", world.people["fay"], {"active": active}, channel="api")


def new_user(world: World, name: str) -> str:
    values = {"name": name, "username": name, "email": f"{name}@example.com"}
    with acting(world.platform, "admin") as unit:
        return save_record(unit, "user", None, values, channel="api").id


def delete_user(world: World) -> None:
    made = new_user(world, "eve")
    client = world.client("admin")
    answer = client.delete(f"/api/v1/user/{made}", headers={"If-Match": "*"})
    assert answer.status_code == 204, answer.get_data(as_text=True)


def change_group(world: World) -> None:
    """By the pages of groups, whose forms Flask-AppBuilder makes."""
    client = world.client("admin")
    form = {"name": "Pool", "label": "Pool", "description": "", "roles": [], "users": []}
    answer = client.post("/groups/add", data={**form, "csrf_token": csrf_token(client)})
    assert answer.status_code == 302, answer.get_data(as_text=True)[-2000:]


def set_roles(world: World) -> None:
    with acting(world.platform, "admin") as unit:
        give_roles(unit, world.people["fay"], ["finance"], None)


def share(world: World) -> str:
    lead = world.lead()
    with acting(world.platform, "rita") as unit:
        share_record(unit, "lead", lead, "ron", level="read")
    return lead


def unshare(world: World) -> None:
    lead = share(world)
    with acting(world.platform, "rita") as unit:
        unshare_record(unit, "lead", lead, "ron")


def leave(world: World, name: str) -> None:
    gone = new_user(world, name)
    lead = world.lead()
    with system(world.platform) as unit:
        save_record(unit, "lead", lead, {"owner": gone}, channel="system")
    with acting(world.platform, "admin") as unit:
        depart(unit, gone, "user", "ron", channel="api")
    drain_jobs(world.platform)


def go_away(world: World) -> Away:
    with acting(world.platform, "rita") as unit:
        return enter_absence(unit, world.people["rita"], None, unit.moment.today)


def come_back(world: World) -> None:
    with acting(world.platform, "admin") as unit:
        away = enter_absence(unit, world.people["ron"], None, unit.moment.today)
        end_absence(unit, away.user, away.id)


def make_key(world: World) -> str:
    answer = world.client("rita").post("/api/v1/security/api_keys", json={"name": "Robot"})
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return str(answer.get_json()["id"])


def revoke_key(world: World) -> None:
    answer = world.client("rita").delete(f"/api/v1/security/api_keys/{make_key(world)}")
    assert answer.status_code == 204, answer.get_data(as_text=True)


def preview(world: World) -> None:
    address = f"/setup/people/{world.people['rita']}/preview"

    assert world.client("admin").post(address).status_code == 302


def go_wild(world: World) -> None:
    """Has a validation count as a rule that runs wild."""
    with system(world.platform) as unit:
        for number in range(2):
            key = f"wild/{uuid.uuid4()}/{number}"
            outbox.add(unit.connection, "notify", {"recipients": []}, key, rule="lead_checks")
        assert watch_rules(unit, 1)


def let_rule_go(world: World, *, dropping: bool) -> None:
    go_wild(world)
    with acting(world.platform, "admin") as unit:
        let_go(unit, "validate", "lead_checks", "Because", dropping=dropping)


def go_wild_and_back(world: World) -> None:
    let_rule_go(world, dropping=True)


def publish(world: World, *, role: bool = False) -> None:
    """Adds a field to contacts, or a title to a role, and publishes."""
    folder = world.folder / f"definitions-{role}"
    world.cli("meta", "export", str(folder))
    name = "sales_rep" if role else "contact"
    (file,) = folder.rglob(f"{name}.json")
    body = json.loads(file.read_text())
    if role:
        body["title"] = "Rep"
    else:
        body["properties"]["passing"] = {"type": "string"}
    file.write_text(json.dumps(body))
    world.cli("meta", "publish", str(folder))


def install(world: World) -> None:
    file = world.folder / "school.zip"
    file.write_bytes(zipped(package(school()).files))
    world.cli("package", "install", str(file))


def install_and_remove(world: World) -> None:
    install(world)
    world.cli("package", "uninstall", "school", "--confirm", "school")


def purge(world: World) -> None:
    def remove(body: dict[str, Any]) -> None:
        del body["properties"]["passing_by"]

    def add(body: dict[str, Any]) -> None:
        body["properties"]["passing_by"] = {"type": "string"}

    for change in (add, remove):
        change_element(world.platform, "object", "lead", change, confirm=["lead.passing_by"])
    world.cli("meta", "purge", "--older-than", "0", "--confirm", "lead.passing_by")


def back_up(world: World) -> Path:
    file = world.folder / f"{uuid.uuid4()}.backup"
    world.cli("backup", str(file))
    return file


def bring_back(world: World) -> None:
    file = back_up(world)
    world.app.extensions["trellis_fab_engine"].dispose()
    world.platform.database.dispose()
    world.cli("restore", str(file), "--replace")


def switch_webhook_off(world: World) -> None:
    webhook = world.webhook()
    with world.platform.database.write() as connection:
        switch_off(world.platform, connection, webhook, "gone")


def give_up_a_message(world: World) -> str:
    """Leaves a message of a webhook that was given up; gives the webhook."""
    webhook = world.webhook()
    with system(world.platform) as unit:
        row: dict[str, Any] = {"id": str(uuid.uuid4()), "key": str(uuid.uuid4())}
        row["webhook"] = webhook
        row |= {"sequence": 1, "op": "create"}
        row |= {"object": "contact", "record_id": "c", "at": unit.moment.now, "fields": []}
        row |= {"state": DEAD, "attempts": 9, "available_at": unit.moment.now}
        row |= {"created_at": unit.moment.now}
        unit.connection.execute(sa.insert(webhook_delivery).values(row))
    return webhook


def deliver_again(world: World) -> None:
    webhook = give_up_a_message(world)
    with acting(world.platform, "admin") as unit:
        assert replay(unit, webhook) == 1


def try_again(world: World) -> None:
    give_up_a_message(world)
    with acting(world.platform, "admin") as unit:
        assert retry(unit, WEBHOOKS) >= 1


def end_job(world: World) -> None:
    with acting(world.platform, "admin") as unit:
        cancel(unit, JOBS, start_job(unit, EXPORT, {"object": "lead"}))


def pause(world: World, *, is_paused: bool) -> None:
    with acting(world.platform, "admin") as unit:
        set_paused(unit, WEBHOOKS, is_paused=is_paused)


def compute_scores(world: World) -> None:
    with acting(world.platform, "admin") as unit:
        start_rescoring(in_force(unit, "lead", "lead_score"))


def begin_shadow(world: World) -> None:
    with acting(world.platform, "admin") as unit:
        start_shadow(unit, "lead", "lead_score")


def begin_and_end_shadow(world: World) -> None:
    begin_shadow(world)
    with acting(world.platform, "admin") as unit:
        end_shadows(unit, "lead", "lead_score")


# kind, and which way to it → what is done, by whom, about which object
CAUSES: dict[tuple[str, str], tuple[Callable[[World], object], str, str | None]] = {
    ("login", ""): (log_in, "rita", None),
    ("login_failed", ""): (fail_to_log_in, "rita!", None),
    ("logout", ""): (lambda world: world.client("rita").get("/logout"), "rita", None),
    ("password", "her own"): (change_password, "rita", "user"),
    ("password", "set for her"): (set_password, "admin", "user"),
    ("read", ""): (read_sensitive, "rita", "account"),
    ("export", "records"): (export, "diana", "lead"),
    ("export", "a package"): (export_package, "admin", None),
    ("import", ""): (importing, "admin", "lead"),
    ("import_silent", ""): (lambda world: importing(world, silent=True), "admin", "lead"),
    ("import_undone", ""): (import_and_undo, "admin", "lead"),
    ("merge", ""): (merge_two, "diana", "lead"),
    ("unmerge", ""): (
        lambda world: unmerge(world.platform, "lead", merge_two(world)),
        "diana",
        "lead",
    ),
    ("preview", ""): (preview, "admin", "user"),
    ("locked", "saved"): (lambda world: lock(world, active=False), "admin", "user"),
    ("locked", "deleted"): (delete_user, "admin", "user"),
    ("locked", "by command"): (lambda world: world.cli("user", "lock", "fay"), "system!", "user"),
    ("unlocked", "saved"): (lambda world: lock(world, active=True), "admin", "user"),
    ("unlocked", "by command"): (
        lambda world: world.cli("user", "lock", "fay", "--undo"),
        "system!",
        "user",
    ),
    ("roles", "given"): (set_roles, "admin", "user"),
    ("roles", "by command"): (
        lambda world: world.cli("user", "add", "ada", "--email", "a@b.cn", "--role", "finance"),
        "system!",
        "user",
    ),
    ("rights", "a role"): (lambda world: publish(world, role=True), "cli!", None),
    ("rights", "a group"): (change_group, "admin", None),
    ("share", ""): (share, "rita", "lead"),
    ("unshare", ""): (unshare, "rita", "lead"),
    ("departed", ""): (lambda world: leave(world, "zoe"), "admin", "user"),
    ("away", ""): (go_away, "rita", "user"),
    ("back", ""): (come_back, "admin", "user"),
    ("transfer", ""): (lambda world: leave(world, "zed"), "admin", "lead"),
    ("key_made", ""): (make_key, "rita", None),
    ("key_revoked", ""): (revoke_key, "rita", None),
    ("publish", ""): (publish, "cli!", None),
    ("purge", ""): (purge, "cli!", None),
    ("package", "installed"): (install, "cli!", None),
    ("package", "removed"): (install_and_remove, "cli!", None),
    ("rotate", ""): (lambda world: world.cli("keys", "rotate"), "system!", None),
    ("backup", ""): (back_up, "system!", None),
    ("restored", ""): (bring_back, "system!", None),
    ("audit_export", ""): (
        lambda world: world.cli("audit", "export", str(world.folder / "audit")),
        "system!",
        None,
    ),
    ("webhook", ""): (switch_webhook_off, "system!", "webhook"),
    ("retried", ""): (try_again, "admin", None),
    ("cancelled", ""): (end_job, "admin", None),
    ("paused", ""): (lambda world: pause(world, is_paused=True), "admin", None),
    ("resumed", ""): (lambda world: pause(world, is_paused=False), "admin", None),
    ("rule_quarantined", ""): (go_wild_and_back, "system!", None),
    ("rule_released", ""): (lambda world: let_rule_go(world, dropping=False), "admin", None),
    ("rule_dropped", ""): (lambda world: let_rule_go(world, dropping=True), "admin", None),
    ("rescored", ""): (compute_scores, "admin", "lead"),
    ("shadow", ""): (begin_shadow, "admin", "lead"),
    ("shadow_ended", ""): (begin_and_end_shadow, "admin", "lead"),
    ("replay", ""): (deliver_again, "admin", "webhook"),
}


def test_every_kind_has_a_cause() -> None:
    assert {kind for kind, _ in CAUSES} == set(KINDS)


@pytest.mark.parametrize("kind", CAUSES, ids=" ".join)
def test_what_is_done_is_audited(world: World, kind: tuple[str, str]) -> None:
    cause, by, about = CAUSES[kind]
    before = events(world, kind[0])
    cause(world)
    new = [one for one in events(world, kind[0]) if one not in before]
    person = by.removesuffix("!") if by.endswith("!") else world.people[by]
    with world.platform.database.read() as connection:
        catalog = world.platform.catalogs.current(connection)
    object_id = None if about is None else catalog.objects[about].id
    assert (person, object_id) in [(one["by"], one["object"]) for one in new]
    unworded = {name for one in new for name in one["values"]} - DETAILS.keys()
    assert not unworded, "a reader has no words for these"


def events(world: World, kind: str) -> list[dict[str, Any]]:
    query = sa.select(audit_event).where(audit_event.c.kind == kind).order_by(audit_event.c.id)
    with world.platform.database.read() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]
