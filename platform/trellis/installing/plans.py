"""Planning and installing packages: what was shown is what happens, or it is refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from metadata.catalog import Catalog
from metadata.diff import plan
from metadata.elements import Element
from metadata.operations import Operation
from metadata.packages.files import forget_upload, keep_upload, load_bases, load_upload
from metadata.packages.install import Prepared, prepare_all, publish_prepared
from metadata.packages.read import Package, read_package
from metadata.packages.requirements import Offers, Origin, with_requirements
from metadata.packages.signing import SIGNATURE, Signature, Trust, read_signature
from metadata.packages.three_way import Conflict as MergeConflict
from metadata.problems import PackageError, Problem
from trellis.automation.pinned import RequestPlan, plan_requests
from trellis.config import Settings
from trellis.errors import Conflict, Refused
from trellis.installing.sources import find_offers
from trellis.publishing import answering, conclude, moved_on
from trellis.service_levels.preview import ClockPlan, preview_clocks_of
from trellis.unit import Unit


@dataclass(frozen=True, slots=True)
class Desk:
    """Where packages are planned: one transaction, the definitions in force, and who does it.

    `trusted` are public keys; with `demands_signatures` packages have to be signed with one, or
    come with Trellis or an installed distribution.
    """

    connection: sa.Connection
    catalog: Catalog
    author: str
    now: datetime
    trusted: frozenset[str] = frozenset()
    demands_signatures: bool = False
    offers: Offers = field(default_factory=find_offers)

    @property
    def installed(self) -> Mapping[str, str]:
        """Gives name → version of the packages in force."""
        return self.catalog.packages


def desk_of(unit: Unit, settings: Settings) -> Desk:
    """Gives the desk of an administrator at work."""
    return Desk(
        unit.connection,
        unit.catalog,
        unit.principal.name,
        unit.moment.now,
        frozenset(settings.trusted_keys),
        settings.demands_signatures,
    )


@dataclass(frozen=True, slots=True)
class Step:
    """One package of a plan. `installed` is its version in force, "" for a new one; `came_back`
    says that it was uninstalled before and finds its data."""

    package: Package
    installed: str
    signature: Signature
    came_back: bool = False


@dataclass(frozen=True, slots=True)
class PackagePlan:
    """What installing some packages would do; with `problems` they cannot be.

    `edits` are places of local changes that stay, `conflicts` those that were also changed by the
    new version, `left_out` the tests of packages that would fail. Problems of packages have paths
    `file:pointer`.
    """

    steps: tuple[Step, ...]
    base_version: int
    operations: tuple[Operation, ...] = ()
    problems: tuple[Problem, ...] = ()
    destructive: tuple[str, ...] = ()
    conflicts: tuple[MergeConflict, ...] = ()
    edits: tuple[str, ...] = ()
    left_out: tuple[Problem, ...] = ()
    prepared: Prepared | None = None
    elements: tuple[Element, ...] = ()

    @property
    def packages(self) -> list[Package]:
        """Gives the packages in the order in which they are installed."""
        return [step.package for step in self.steps]

    def clocks(self, unit: Unit) -> tuple[ClockPlan, ...]:
        """Gives what becomes of the clocks of service levels."""
        if self.problems or self.prepared is None:
            return ()
        return preview_clocks_of(unit, self.prepared.elements)

    def requests(self, unit: Unit) -> RequestPlan:
        """Gives what becomes of open approvals."""
        if self.problems:
            return RequestPlan()
        return plan_requests(unit.connection, unit.catalog, self.elements)


def plan_packages(
    desk: Desk, packages: Sequence[Package], resolutions: Mapping[str, str] | None = None
) -> PackagePlan:
    """Gives what installing packages would do, with those that they need and that are known."""
    try:
        ordered = with_requirements(packages, desk.installed, desk.offers, read_package)
    except PackageError as error:
        ordered, problems = list(packages), error.problems
    else:
        problems = ()
    steps = tuple(step_of(desk, package) for package in ordered)
    problems = problems or tuple(found for step in steps for found in trust_problems(desk, step))
    version = desk.catalog.version
    if problems:
        return PackagePlan(steps, version, problems=problems)
    current = desk.catalog.elements
    bases = load_bases(desk.connection, current)
    prepared = prepare_all(ordered, current, bases, resolutions, desk.offers)
    if prepared.problems:
        return PackagePlan(steps, version, problems=prepared.problems)
    found = plan(current, prepared.elements, desk.catalog)
    return PackagePlan(
        steps,
        version,
        found.operations,
        found.problems,
        found.destructive,
        prepared.conflicts,
        prepared.edits,
        prepared.left_out,
        prepared,
        found.elements,
    )


def step_of(desk: Desk, package: Package) -> Step:
    """Gives one package of a plan with what is known about it."""
    name = package.manifest.name
    stored = next((e for e in desk.catalog.elements if e.key == ("package", name)), None)
    installed = desk.installed.get(name, "")
    signature = read_signature(package.files, desk.trusted)
    return Step(package, installed, signature, stored is not None and not installed)


def trust_problems(desk: Desk, step: Step) -> list[Problem]:
    """Finds a broken signature, and a missing one where it is demanded."""
    if step.signature.trust is Trust.BROKEN:
        return list(step.signature.problems)
    is_trusted = step.signature.trust is Trust.TRUSTED or is_offered(desk, step.package)
    if not desk.demands_signatures or is_trusted:
        return []
    state = Origin(f"trust_{step.signature.trust}", {})
    return [Problem(SIGNATURE, "signature_needed", {"state": state})]


def is_offered(desk: Desk, package: Package) -> bool:
    """Says whether a package is exactly one that lies on this machine."""
    offer = desk.offers.get(package.manifest.name)
    return offer is not None and read_package(offer.folder).files == package.files


def keep_plan(desk: Desk, found: PackagePlan) -> str:
    """Keeps the packages of a plan until tomorrow; gives the token that stands for it."""
    token = keep_upload(desk.connection, found.packages, author=desk.author, at=desk.now)
    return f"{found.base_version}.{token}"


def packages_of(desk: Desk, token: str) -> list[Package]:
    """Gives the packages of a token. Raises Conflict when it is unknown or somebody published."""
    base, _, key = token.partition(".")
    found = load_upload(desk.connection, key, author=desk.author)
    if found is None:
        raise Conflict([Problem("/token", "upload_expired")])
    if base != str(desk.catalog.version):
        since = int(base) if base.isdecimal() and len(base) < 10 else desk.catalog.version
        raise Conflict([moved_on(desk.connection, desk.catalog, since, desk.catalog.version)])
    return found


def install_plan(
    desk: Desk,
    token: str,
    *,
    resolutions: Mapping[str, str] | None = None,
    confirm: Collection[str] = (),
) -> int:
    """Installs the packages of a token and gives the version then in force.

    Raises Conflict when somebody published since, Refused for problems and for what goes out of
    use without being confirmed.
    """
    found = plan_packages(desk, packages_of(desk, token), resolutions)
    version = install_planned(desk, found, confirm=confirm)
    forget_upload(desk.connection, token.partition(".")[2])
    return version


def install_planned(desk: Desk, found: PackagePlan, *, confirm: Collection[str] = ()) -> int:
    """Installs what was planned in this transaction."""
    if found.problems or found.prepared is None:
        raise Refused(found.problems)
    with answering(desk.connection, desk.catalog, found.base_version):
        version = publish_prepared(
            desk.connection,
            found.prepared,
            by=desk.author,
            confirm=confirm,
            expected_version=found.base_version,
            at=desk.now,
            known=desk.catalog,
        )
    by, message = desk.author, found.prepared.message
    return conclude(desk.connection, desk.catalog, version, by=by, at=desk.now, message=message)
