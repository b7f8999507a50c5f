"""`/api/v1/packages`: the same verbs as `trellis package`, for who may administer."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from flask import Response, request

from metadata.json_text import mapping, sequence
from metadata.packages.export import export_local, export_package, zipped
from metadata.packages.files import load_bases
from metadata.packages.read import Package, read_package
from metadata.packages.requirements import Offer, retired_packages
from metadata.packages.texts import MAX_ZIP_BYTES
from metadata.packages.three_way import ABSENT, Conflict
from metadata.problems import Problem
from trellis import current
from trellis.api import package_operations
from trellis.api.answers import json_answer
from trellis.api.blueprint import PACKAGES
from trellis.api.open_clocks import clocks_json
from trellis.api.operations import package_route
from trellis.api.problems import RequestError
from trellis.api.requests import read_optional_body, read_parameters
from trellis.errors import Missing
from trellis.files.downloads import zip_answer
from trellis.installing.plans import (
    Desk,
    PackagePlan,
    desk_of,
    install_plan,
    keep_plan,
    plan_packages,
)
from trellis.installing.removal import (
    RemovalPlan,
    export_data,
    note_data,
    plan_removal,
    uninstall_package,
)
from trellis.installing.sources import find_offers
from trellis.problem_json import error_of, language
from trellis.unit import Unit
from trellis.work import reading, writing_now

FORM_BYTES = 1 << 20
PLAN_KEYS = frozenset({"name", "resolutions"})
INSTALL_KEYS = frozenset({"token", "resolutions", "confirm"})
LOCAL_PARAMETER = "local"


@PACKAGES.before_request
def limit_body() -> None:
    """Makes Flask answer 413 to what no package can be."""
    request.max_content_length = MAX_ZIP_BYTES + FORM_BYTES


def desk(unit: Unit) -> Desk:
    """Gives the desk of who asks."""
    return desk_of(unit, current.platform().settings)


@package_route("", "GET", operation=package_operations.LISTED)
def list_packages() -> Response:
    """Answers the packages that are installed, were uninstalled, or could be installed."""
    read_parameters(())
    catalog, offers = reading().catalog, find_offers()
    gone = retired_packages(catalog.elements)
    names = sorted({*catalog.packages, *gone, *offers})
    items = [
        listed(name, catalog.packages.get(name), gone.get(name), offers.get(name)) for name in names
    ]
    return json_answer({"items": items, "next": None})


def listed(
    name: str, installed: str | None, gone: str | None, offer: Offer | None
) -> dict[str, object]:
    """Gives one package for the list."""
    state = "installed" if installed else "uninstalled" if gone else "available"
    return {
        "name": name,
        "title": offer.title if offer else name,
        "state": state,
        "version": installed or gone,
        "available": offer.version if offer else None,
        "origin": offer.origin.in_language(language()) if offer else None,
    }


@package_route("/plan", "POST", operation=package_operations.PLANNED)
def plan_package() -> Response:
    """Answers what installing an uploaded zip (part `file`), or a known package, would do."""
    read_parameters(())
    sent = request.files.get("file")
    body = {} if sent is not None else read_optional_body(PLAN_KEYS)
    package = read_package(sent.stream) if sent is not None else known(body)
    with writing_now() as unit:
        at_desk = desk(unit)
        found = plan_packages(at_desk, [package], resolutions(body))
        token = keep_plan(at_desk, found)
        open_things = {
            "clocks": [clocks_json(unit, one) for one in found.clocks(unit)],
            "requests": found.requests(unit).to_json(),
        }
    return json_answer({**plan_json(token, found), **open_things})


def known(body: Mapping[str, object]) -> Package:
    """Gives the package of a known name."""
    offer = find_offers().get(str(body.get("name")))
    if offer is None:
        raise refused("/name" if "name" in body else "/file", "file_expected")
    return read_package(offer.folder)


@package_route("/install", "POST", operation=package_operations.INSTALLED)
def install_package() -> Response:
    """Installs what a token stands for."""
    read_parameters(())
    body = read_optional_body(INSTALL_KEYS)
    token = body.get("token")
    if not isinstance(token, str):
        raise refused("/token", "text_expected")
    confirm = [str(name) for name in sequence(body.get("confirm"))]
    with writing_now(publishing=True) as unit:
        version = install_plan(desk(unit), token, resolutions=resolutions(body), confirm=confirm)
    return json_answer({"version": version})


@package_route("/<name>/removal", "GET", operation=package_operations.REMOVAL)
def show_removal(name: str) -> Response:
    """Answers what uninstalling a package would mean."""
    read_parameters(())
    return json_answer(removal_json(plan_removal(desk(reading()), name)))


@package_route("/<name>", "DELETE", operation=package_operations.UNINSTALLED)
def uninstall(name: str) -> Response:
    """Takes a package out of use; `confirm` lists its name, or all that goes out of use."""
    read_parameters(())
    body = read_optional_body(("confirm",))
    confirm = [str(one) for one in sequence(body.get("confirm"))]
    with writing_now(publishing=True) as unit:
        version = uninstall_package(desk(unit), name, confirm=confirm)
    return json_answer({"version": version})


@package_route("/<name>/export", "GET", operation=package_operations.EXPORTED)
def export(name: str) -> Response:
    """Answers a package as a zip; with `local=true` what was made here, under this name."""
    parameters = read_parameters((LOCAL_PARAMETER,))
    unit = reading()
    elements = unit.catalog.elements
    bases = load_bases(unit.connection, elements)
    if parameters.get(LOCAL_PARAMETER) == "true":
        found = export_local(name, name, elements, bases)
    elif name in unit.catalog.packages:
        found = export_package(name, elements, bases.get(name))
    else:
        raise Missing([Problem("", "package_not_installed", {"name": name})])
    return zip_answer(zipped(found.files), name)


@package_route("/<name>/data", "GET", operation=package_operations.DATA)
def data(name: str) -> Response:
    """Answers the records of a package's objects that the caller may read, as CSV in a zip."""
    read_parameters(())
    content = export_data(reading(), name)
    with writing_now() as unit:
        note_data(unit, name)
    return zip_answer(content, f"{name}-data")


def resolutions(body: Mapping[str, object]) -> dict[str, str]:
    """Gives which side of each conflict to take."""
    return {place: str(side) for place, side in mapping(body.get("resolutions")).items()}


def plan_json(token: str, found: PackagePlan) -> dict[str, object]:
    """Gives a plan with its operations and problems in words."""
    reader = language()
    return {
        "token": token,
        "base_version": found.base_version,
        "packages": [
            {
                "name": step.package.manifest.name,
                "version": step.package.manifest.version,
                "installed": step.installed or None,
                "signature": step.signature.trust.value,
                "key": step.signature.key or None,
            }
            for step in found.steps
        ],
        "operations": [
            {**operation.to_json(), "text": operation.sentence(reader)}
            for operation in found.operations
        ],
        "conflicts": [conflict_json(conflict) for conflict in found.conflicts],
        "edits": list(found.edits),
        "left_out": [error_of(problem, reader) for problem in found.left_out],
        "problems": [error_of(problem, reader) for problem in found.problems],
        "destructive": list(found.destructive),
    }


def conflict_json(conflict: Conflict) -> dict[str, object]:
    """Gives a conflict; a side without the part is left out."""
    sides = {"base": conflict.base, "ours": conflict.ours, "theirs": conflict.theirs}
    values = {side: value for side, value in sides.items() if value is not ABSENT}
    return {"place": conflict.place, **values, "kept": conflict.kept}


def removal_json(found: RemovalPlan) -> dict[str, object]:
    """Gives what uninstalling would mean."""
    reader = language()
    return {
        "base_version": found.base_version,
        "records": dict(found.records),
        "values": dict(found.values),
        "removed": list(found.removed),
        "operations": [
            {**operation.to_json(), "text": operation.sentence(reader)}
            for operation in found.operations
        ],
        "problems": [error_of(problem, reader) for problem in found.problems],
    }


def refused(path: str, code: str) -> RequestError:
    """Gives the error for something that is not there or cannot be used."""
    problem = Problem(path, code, {"value": ""})
    return RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, [problem])
