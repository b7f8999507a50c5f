"""What was found in rules and by their tests, kept for whoever looks at the same definitions next.

A plan, and publishing it, look at the same ones one after the other; each process for itself.
Tests have a clock, a zone, people and records of their own, so that what they give depends on
definitions alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from operator import itemgetter
from typing import Final

from metadata.cache import Cache
from metadata.catalog import Catalog
from metadata.changes.moved import authored
from metadata.problems import Problem

Found = tuple[tuple[str, str], Problem]
"""A problem with the kind and name of the element it stands in."""

FINDINGS: Final = Cache(50)
MATTERING: Final = frozenset({"rules", "object", "translations"})
"""The kinds of elements that rules and tests depend on; translated titles name objects, too."""


def found_once(
    what: str, catalog: Catalog, find: Callable[[Catalog], Iterator[Found]]
) -> tuple[Found, ...]:
    """Gives what there is to find, looked for once while all is the same that it depends on."""
    return FINDINGS.get((what, digest_of(catalog)), tuple, lambda: tuple(find(catalog)))


def digest_of(catalog: Catalog) -> str:
    """Gives what stands for the rules, their tests and the objects they are about."""
    return catalog.queries.get("rules digest", str, lambda: digest(catalog))


def digest(catalog: Catalog) -> str:
    """Makes the digest of what rules and tests depend on, as its authors write it."""
    parts = [
        (one.kind, one.name, one.package, authored(one))
        for one in catalog.elements
        if one.kind in MATTERING
    ]
    whole = json.dumps(sorted(parts, key=itemgetter(0, 1)))
    return sha256(whole.encode()).hexdigest()
