"""Inputs of files: what is kept, what is taken away, and what was uploaded with the form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from markupsafe import Markup
from wtforms.widgets import html_params

from metadata.fields.files import StoredFile, StoredFiles, files_in
from metadata.fields.inputs import WireField

UPLOAD = "-upload"
REMOVE = "-remove"


class FilesWidget:
    """Shows the files that are held, by their ids, and an input for new ones."""

    def __call__(self, field: FilesField, **attributes: Any) -> Markup:
        """Gives the inputs."""
        ids = ["", *(file.id for file in field.files)]
        held = [html_params(type="hidden", name=field.name, value=one) for one in ids]
        upload = {"type": "file", "id": field.id, "name": f"{field.name}{UPLOAD}"}
        chosen = html_params(multiple=field.multiple, accept=field.accept, **upload, **attributes)
        # html_params escapes each value
        return Markup("".join(f"<input {one}>" for one in (*held, chosen)))  # noqa: S704


class FilesField(WireField):
    """Any number of files: their ids, each in an input of the field's name.

    `<name>-remove` lists ids to take away, `<name>-upload` brings new files, which whoever shows
    the form stores first and adds to the ids.
    """

    control: ClassVar[str] = "files"
    widget = FilesWidget()
    multiple: ClassVar[bool] = True

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.files: tuple[StoredFile, ...] = ()
        super().__init__(*arguments, **options)

    @property
    def is_sent(self) -> bool:
        """Says whether the form that was sent holds this input: an empty id stands for none."""
        return bool(self.raw_data)

    @property
    def accept(self) -> str:
        """Gives what a browser's file dialog offers first."""
        kind = self.definition.type
        limits = getattr(kind, "limits", None)
        return ",".join(limits(self.definition).media_types) if limits else ""

    def process(self, formdata: Any, *arguments: Any, **options: Any) -> None:
        """Takes the ids that were sent, without those that were marked."""
        removed = set(formdata.getlist(f"{self.name}{REMOVE}")) if formdata is not None else set()
        self.removed = frozenset(str(one) for one in removed)
        super().process(formdata, *arguments, **options)

    def process_data(self, value: object) -> None:
        """Shows the files."""
        self.files = files_in(value)
        self.shown = ""
        wire = None if value is None else self.definition.type.to_wire(value, self.definition)
        self.data = wire

    def process_formdata(self, valuelist: Sequence[object]) -> None:
        """Takes the ids."""
        sent = dict.fromkeys(str(value).strip() for value in valuelist)
        ids = [one for one in sent if one and one not in self.removed]
        self.data = self.chosen(ids)

    def chosen(self, ids: list[str]) -> object:
        """Gives the wire form of ids."""
        return ids

    def read(self, zone: ZoneInfo) -> object:
        """Gives the files, by their names as far as these are known."""
        value = super().read(zone)
        known = {file.id: file for file in self.files}
        found = [known.get(file.id, file) for file in files_in(value)]
        if isinstance(value, StoredFiles):
            return StoredFiles(found)
        return found[0] if found else None

    def know(self, files: Sequence[StoredFile]) -> None:
        """Takes what is known of the files that were sent, so that the form shows them again."""
        self.files = tuple(files)


class FileField(FilesField):
    """One file; a new one takes the place of the old one."""

    multiple = False

    def chosen(self, ids: list[str]) -> object:
        """Gives the id that came last."""
        return ids[-1] if ids else None


class SignatureField(FileField):
    """A signature: drawn, or uploaded as a picture."""

    control = "signature"


class SecretField(WireField):
    """A secret: what is typed replaces it, nothing typed leaves it, a mark clears it."""

    control = "secret"

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.kept: object = None
        self.is_set = False
        super().__init__(*arguments, **options)

    @property
    def is_sent(self) -> bool:
        """Says whether a new secret or the mark was sent."""
        return self.is_cleared or bool(self.raw_data and str(self.raw_data[0]).strip())

    def process(self, formdata: Any, *arguments: Any, **options: Any) -> None:
        """Takes the mark too."""
        self.is_cleared = formdata is not None and f"{self.name}{REMOVE}" in formdata
        super().process(formdata, *arguments, **options)

    def read(self, zone: ZoneInfo) -> object:
        """Gives what was typed, else the secret that is there."""
        if self.data is None and self.is_set and not self.is_cleared:
            return self.kept
        return super().read(zone)

    def process_data(self, value: object) -> None:
        """Shows only whether there is a secret."""
        self.kept, self.is_set = value, value is not None
        self.shown, self.data = "", None

    def process_formdata(self, valuelist: Sequence[object]) -> None:
        """Takes what was typed; it is never shown again."""
        typed = str(valuelist[0]).strip() if valuelist else ""
        self.data, self.shown = (typed or None), ""
