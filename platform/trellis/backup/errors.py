"""What keeps a backup from being made or restored."""

from __future__ import annotations

from collections.abc import Iterable


class BackupError(Exception):
    """A backup cannot be made or restored; `problems` are sentences, all there is to say."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def refuse_if(problems: Iterable[str]) -> None:
    """Raises BackupError when there is anything to say."""
    if found := tuple(problems):
        raise BackupError(found)
