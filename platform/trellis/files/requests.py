"""Requests that bring files: how much they may bring."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Any, TypeVar

from flask import Request, current_app, request

from trellis.current import platform

FORM_BYTES = 4 << 20
"""Room for what else is in a form."""

FILES_AT_ONCE = 4

View = TypeVar("View", bound=Callable[..., object])


class FileRequest(Request):
    """A request that lets go of all that it holds for files, also when it could not be read, and
    is refused when its body is too long, also when nobody told how long it is."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.streams: list[IO[bytes]] = []

    def _get_file_stream(self, *arguments: Any, **options: Any) -> IO[bytes]:
        stream = super()._get_file_stream(*arguments, **options)
        self.streams.append(stream)
        return stream

    def get_data(self, *arguments: Any, **options: Any) -> Any:
        """Gives the body. Raises RequestEntityTooLarge."""
        data = super().get_data(*arguments, **options)
        if self.content_length is None:
            # A body in pieces is cut off where it becomes too long: only reading on says so.
            self.stream.read(1)
        return data

    def close(self) -> None:
        """Closes the files of the form, those too that were not read to their end."""
        super().close()
        for stream in self.streams:
            stream.close()


def takes_files(view: View) -> View:
    """Marks a view whose requests may bring files."""
    view.takes_files = True  # type: ignore[attr-defined]  # functions take attributes
    return view


def allow_uploads() -> None:
    """Lets bodies be as long as files are, before anything reads the form; others stay short."""
    view = current_app.view_functions.get(request.endpoint or "")
    if getattr(view, "takes_files", False):
        most = platform().settings.max_upload_bytes
        several = 1 if request.path.startswith("/api/") else FILES_AT_ONCE
        request.max_content_length = several * most + FORM_BYTES
