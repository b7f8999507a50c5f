"""Elements: the parts a definition is made of, as they are stored, planned and published."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LOCAL = "local"
TESTS = "tests"
KINDS = ("package", "object", "role", "view", "layout", "rules", "retirement", "translations")


@dataclass(frozen=True, slots=True)
class Element:
    """One stored definition.

    `id` never changes, whatever the element is renamed to. `name` is the API name; of views and
    layouts `<object>/<name>`, of retirements of rules `<keyword>/<name>`, of translations
    `<package>/<language>`, of rule files `<package>/<file>`, of those that hold tests and nothing
    else `<package>/tests/<file>`. `package` owns the element:
    the package's name, or "local" for what was made in the designer. `body` is the document; in
    an object's body each property's `crm` also carries what the store knows: `id`, `column` (its
    physical name, fixed at creation), `retired`, and `package` where it differs from the object's.
    """

    id: str
    kind: str
    name: str
    package: str
    body: Mapping[str, object]

    @property
    def key(self) -> tuple[str, str]:
        """Gives kind and name, by which people know the element."""
        return self.kind, self.name


def by_key(elements: Iterable[Element]) -> dict[tuple[str, str], Element]:
    """Gives elements by kind and name."""
    return {element.key: element for element in elements}


def holds_tests(name: str) -> bool:
    """Says whether a rule file of this name holds tests and nothing else."""
    return name.split("/")[1:-1] == [TESTS]


def is_of_tests(element: Element) -> bool:
    """Says whether an element is a rule file that holds tests and nothing else."""
    return element.kind == "rules" and holds_tests(element.name)
