"""`trellis meta import-schema`: a folder that can be published, or somebody's draft."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.platform.test_cli import run
from trellis.config import Settings

DOCUMENTS = Path(__file__).parents[1] / "metadata" / "foreign"


def test_into_a_folder(tmp_path: Path) -> None:
    done = run("meta", "import-schema", str(DOCUMENTS / "petstore.json"), "--to", str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    written = sorted(file.name for file in (tmp_path / "objects").iterdir())
    assert written == ["category.json", "pet.json", "tag.json"]
    pet = json.loads((tmp_path / "objects" / "pet.json").read_text("utf-8"))
    assert pet["properties"]["status"]["enum"] == ["available", "sold"]
    lines = [line.partition("petstore.json:")[2] for line in done.stdout.splitlines()]
    assert lines[:2] == [
        "/components/schemas/Pet: becomes the object pet",
        "/components/schemas/Pet/properties/id: id becomes pet.external_id (integer)",
    ]


@pytest.mark.usefixtures("people", "platform")
def test_into_a_draft(settings: Settings) -> None:
    variables = {
        "TRELLIS_INSTANCE": str(settings.instance),
        "TRELLIS_DATABASE_URL": settings.database_url,
        "TRELLIS_SECRET_KEY": settings.secret_key,
    }
    file = str(DOCUMENTS / "order.json")
    done = run("meta", "import-schema", file, "--user", "admin", **variables)
    assert (done.returncode, done.stderr) == (0, "")
    planned = run("meta", "plan", "--user", "admin", **variables)
    assert (planned.returncode, planned.stderr) == (0, "")
    assert "sales_order_lines" in planned.stdout


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "no schema with properties in this document; give JSON Schema or OpenAPI"),
        ("{", "not JSON: Expecting property name enclosed in double quotes"),
    ],
)
def test_documents_without_objects(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "x.json"
    file.write_text(content)
    done = run("meta", "import-schema", str(file), "--to", str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip().endswith(message)
    assert not (tmp_path / "objects").exists()


def test_where_to_is_needed() -> None:
    done = run("meta", "import-schema", str(DOCUMENTS / "order.json"))
    assert done.returncode == 2
    assert "--user for a draft or --to for a folder is needed, and not both" in done.stderr
