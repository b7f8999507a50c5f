"""Jobs that may run: Redis is not trusted, so a job names a task of a list and brings JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rq.job import Job

Task = Callable[..., object]


class TaskNotAllowedError(Exception):
    """A job in Redis asks for something that is no task of Trellis."""


def job_class(tasks: Mapping[str, Task]) -> type[Job]:
    """Gives the class of jobs that can run nothing but `tasks`.

    RQ would import and call whatever dotted name, callback or web address a job brings.
    """

    class AllowedJob(Job):
        """A job whose function is looked up by name."""

        @property
        def func(self) -> Task:
            """Gives the task; raises TaskNotAllowedError for any other name."""
            name = str(self.func_name)
            if name not in tasks or self.instance is not None:
                known = ", ".join(sorted(tasks))
                raise TaskNotAllowedError(f"no task {name!r}; there are: {known}")
            return tasks[name]

        def restore(self, raw_data: Any) -> Any:
            """Reads a job and drops what would call names or addresses out of Redis."""
            restored = super().restore(raw_data)
            self._success_callback_name = None
            self._failure_callback_name = None
            self._stopped_callback_name = None
            self.webhooks = []
            return restored

    return AllowedJob
