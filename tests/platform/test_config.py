"""Settings: what the environment says, and messages that name the way out."""

from pathlib import Path

import pytest

from trellis.config import Settings, SettingsError, load_settings, prepare_instance

NEW_KEY, OLD_KEY = "n" * 32, "o" * 32


def test_an_instance_is_prepared_once_and_keeps_its_secrets(tmp_path: Path) -> None:
    environment = {"TRELLIS_INSTANCE": str(tmp_path / "instance")}
    first = prepare_instance(environment)
    second = prepare_instance(environment)
    assert first == second
    assert len(first.secret_key) > 40
    for name in ("secret_key", "encryption_keys"):
        assert (first.instance / name).stat().st_mode & 0o777 == 0o600
    assert first.database_url == f"sqlite:///{tmp_path}/instance/trellis.db"


def test_without_an_instance_the_message_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"TRELLIS_INSTANCE": str(tmp_path)})
    assert str(caught.value) == (
        f"no secret key at {tmp_path}/secret_key: run `trellis init` first, "
        "or name the instance folder in TRELLIS_INSTANCE"
    )


REFUSED = [
    (
        {"TRELLIS_DATABASE_URL": "mysql://x/y"},
        "TRELLIS_DATABASE_URL: 'mysql' is no database that Trellis knows; "
        "there are: sqlite, postgresql",
    ),
    (
        {"TRELLIS_TIMEZONE": "Shanghai"},
        "TRELLIS_TIMEZONE: no zone 'Shanghai'; one is Asia/Shanghai",
    ),
    (
        {"TRELLIS_SQLITE_SYNCHRONOUS": "off"},
        "TRELLIS_SQLITE_SYNCHRONOUS: no 'OFF'; there are: NORMAL, FULL",
    ),
    ({"TRELLIS_PROXY_HOPS": "two"}, "TRELLIS_PROXY_HOPS: 'two' is no whole number"),
]


@pytest.mark.parametrize(("variables", "message"), REFUSED)
def test_unusable_variables_are_refused(
    tmp_path: Path, variables: dict[str, str], message: str
) -> None:
    environment = {"TRELLIS_INSTANCE": str(tmp_path), "TRELLIS_SECRET_KEY": "s", **variables}
    with pytest.raises(SettingsError) as caught:
        load_settings(environment)
    assert str(caught.value) == message


@pytest.mark.parametrize("url", ["postgres://u@h/d", "postgresql://u@h/d"])
def test_postgresql_is_spoken_through_psycopg(tmp_path: Path, url: str) -> None:
    environment = {
        "TRELLIS_INSTANCE": str(tmp_path),
        "TRELLIS_SECRET_KEY": "s",
        "TRELLIS_DATABASE_URL": url,
        "TRELLIS_ENCRYPTION_KEYS": f"{NEW_KEY},{OLD_KEY}",
        "TRELLIS_TIMEZONE": "Asia/Shanghai",
    }
    settings = load_settings(environment)
    assert settings.database_url == "postgresql+psycopg://u@h/d"
    assert settings.encryption_keys == (NEW_KEY, OLD_KEY)
    assert settings.zone.key == "Asia/Shanghai"
    assert isinstance(settings, Settings)
