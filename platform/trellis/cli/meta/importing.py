"""`trellis meta import-schema`: a foreign JSON Schema document becomes objects."""

from __future__ import annotations

import json
from pathlib import Path

import click

from metadata.foreign import Imported, import_schema
from metadata.json_text import mapping, read_json
from metadata.problems import sentence
from trellis.cli.meta.desk import USER, desk, tell
from trellis.declared import declares
from trellis.designer.drafts import put_element

NOTHING = "foreign_nothing"


@click.command("import-schema")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", default="", help="The object of the document's root; else its title.")
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write objects/*.json into this folder instead of a draft.",
)
@USER
@declares("", "administer")
def import_file(file: Path, name: str, folder: Path | None, user: str | None) -> None:
    """Make objects of FILE: JSON Schema, or OpenAPI with its components.

    They go into a user's draft, or with --to into a folder. Says what became of each part.
    """
    if (folder is None) == (user is None):
        raise click.UsageError("--user for a draft or --to for a folder is needed, and not both")
    imported = read_file(file, name or file.name.partition(".")[0])
    if folder is not None:
        write_folder(imported, folder)
    else:
        with desk(user) as unit:
            for object_name, body in imported.objects.items():
                put_element(unit, "object", object_name, body)
    for note in imported.notes:
        place = f"{file}:{note.path}" if note.path else str(file)
        click.echo(f"{place}: {sentence(note)}")


def read_file(file: Path, name: str) -> Imported:
    """Reads a document; ends with exit code 1 for one that gives no object."""
    document, problems = read_json(file.read_bytes())
    imported = import_schema(mapping(document), name)
    if not problems:
        problems = [note for note in imported.notes if note.code == NOTHING]
    if problems:
        tell(problems)
        raise SystemExit(1)
    return imported


def write_folder(imported: Imported, folder: Path) -> None:
    """Writes the objects as files of a package."""
    target = folder / "objects"
    target.mkdir(parents=True, exist_ok=True)
    for name, body in imported.objects.items():
        text = json.dumps(body, ensure_ascii=False, indent=2)
        (target / f"{name}.json").write_text(f"{text}\n", "utf-8")


COMMANDS = (import_file,)
