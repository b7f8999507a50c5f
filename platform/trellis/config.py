"""Settings of one installation, read from the environment and from the instance folder."""

from __future__ import annotations

import ipaddress
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from metadata.encryption import MIN_KEY_CHARACTERS, Cipher, is_long_enough
from metadata.exchange import DEFAULT_BASE
from metadata.fields.currencies import CURRENCIES, suggest_currency
from trellis.mail.server import MailServer, read_server
from trellis.net.addresses import Network

SECRET_FILE = "secret_key"  # noqa: S105  # the name of a file, not a secret
ENCRYPTION_FILE = "encryption_keys"
TRUSTED_FILE = "trusted_keys"
SQLITE_FILE = "trellis.db"
SYNCHRONOUS = ("NORMAL", "FULL")
UPLOADS = "uploads"
UNFINISHED_FILE = "restore_unfinished"
MAX_UPLOAD_BYTES = 100 << 20
API_RATE = 6_000
LOGIN_RATE = 5
RULE_STORM = 5_000
"""The largest regular run of a rule, a reminder to every customer on one morning, stays below in
most companies; a rule that answers its own effects is there within minutes."""
TRUE_WORDS = frozenset({"1", "true", "yes", "on"})


class SettingsError(Exception):
    """The environment or the instance folder says something that cannot be used."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What an installation is started with.

    `redis_url` is None when no server was named: `trellis serve` then starts its own.
    `encryption_keys` are the newest first. `proxy_hops` counts the trusted proxies in front.
    `uploads` is the folder of uploaded files where it is not the instance's own, and
    `max_upload_bytes` what no field can exceed. `synchronous` is SQLite's: NORMAL may lose the last
    commits at a power cut, FULL does not. `trusted_keys` are the public keys of those whose
    packages are trusted; with `demands_signatures` no other package can be installed. In tables of
    PostgreSQL with more than `big_table_rows` (else 200,000) indexes are built after publishing.
    Unlike currencies meet in the `base_currency`, in which every amount is also stored: it is
    chosen before there are records. `api_rate` are the calls of the API that one caller may make in
    a minute, `login_rate` the tries to log in; 0 is no limit. A rule that leaves
    more than `rule_storm` effects in a minute is put into quarantine. Webhooks reach the internet,
    and besides it only the networks that are `outbound_allowed`. Letters are handed to the
    `mail_server` as from `mail_from`; without a server they wait. `public_url` is the address under
    which people reach the installation, for links in letters.
    `postgresql_programs` is the folder of `pg_dump` and its like where they are not on the PATH.
    """

    instance: Path
    database_url: str
    secret_key: str
    encryption_keys: tuple[str, ...] = ()
    redis_url: str | None = None
    admin_password: str | None = None
    timezone: str = "UTC"
    language: str = "en"
    base_currency: str = DEFAULT_BASE
    secure_cookies: bool = False
    proxy_hops: int = 0
    synchronous: str = "NORMAL"
    big_table_rows: int | None = None
    uploads: Path | None = None
    max_upload_bytes: int = MAX_UPLOAD_BYTES
    trusted_keys: tuple[str, ...] = ()
    demands_signatures: bool = False
    api_rate: int = API_RATE
    login_rate: int = LOGIN_RATE
    rule_storm: int = RULE_STORM
    outbound_allowed: tuple[Network, ...] = ()
    mail_server: MailServer | None = None
    mail_from: str = ""
    public_url: str | None = None
    postgresql_programs: Path | None = None

    @property
    def uploads_folder(self) -> Path:
        """Gives the folder of uploaded files."""
        return self.uploads or self.instance / UPLOADS

    @property
    def zone(self) -> ZoneInfo:
        """Gives the organisation's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def cipher(self) -> Cipher | None:
        """Gives what encrypts fields; None where there are no keys."""
        return Cipher(self.encryption_keys) if self.encryption_keys else None

    @property
    def run_folder(self) -> Path:
        """Gives the folder of sockets, locks and process ids."""
        return self.instance / "run"


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Reads the settings of an instance that `trellis init` has prepared.

    Raises SettingsError when there is no instance, a variable has an unusable value, or a restore
    was broken off.
    """
    settings = read_settings(environment)
    if (settings.instance / UNFINISHED_FILE).exists():
        raise SettingsError(
            f"a restore into {settings.instance} was broken off, so database and files may not "
            "fit together: run `trellis restore BACKUP --replace` again"
        )
    return settings


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Does what `load_settings` does, also for an instance that is half restored."""
    variables = os.environ if environment is None else environment
    instance = instance_folder(variables)
    secret_key = variables.get("TRELLIS_SECRET_KEY") or read_secret(instance / SECRET_FILE)
    if not secret_key:
        raise SettingsError(
            f"no secret key at {instance / SECRET_FILE}: run `trellis init` first, "
            "or name the instance folder in TRELLIS_INSTANCE"
        )
    return Settings(
        instance=instance,
        database_url=database_url(variables, instance),
        secret_key=secret_key,
        encryption_keys=encryption_keys(variables, instance),
        redis_url=variables.get("TRELLIS_REDIS_URL") or None,
        admin_password=variables.get("TRELLIS_ADMIN_PASSWORD") or None,
        timezone=timezone_name(variables),
        language=variables.get("TRELLIS_LANGUAGE") or "en",
        base_currency=base_currency(variables),
        secure_cookies=variables.get("TRELLIS_SECURE_COOKIES", "").lower() in TRUE_WORDS,
        proxy_hops=whole_number(variables, "TRELLIS_PROXY_HOPS"),
        synchronous=synchronous(variables),
        big_table_rows=whole_number(variables, "TRELLIS_BIG_TABLE_ROWS") or None,
        uploads=named_folder(variables, "TRELLIS_UPLOADS"),
        max_upload_bytes=whole_number(variables, "TRELLIS_MAX_UPLOAD_BYTES") or MAX_UPLOAD_BYTES,
        trusted_keys=trusted_keys(variables, instance),
        api_rate=whole_number(variables, "TRELLIS_API_RATE", API_RATE),
        login_rate=whole_number(variables, "TRELLIS_LOGIN_RATE", LOGIN_RATE),
        rule_storm=whole_number(variables, "TRELLIS_RULE_STORM", RULE_STORM),
        demands_signatures=variables.get("TRELLIS_DEMAND_SIGNATURES", "").lower() in TRUE_WORDS,
        outbound_allowed=networks(variables, "TRELLIS_OUTBOUND_ALLOWED"),
        mail_server=mail_server(variables),
        mail_from=mail_from(variables),
        public_url=public_url(variables),
        postgresql_programs=named_folder(variables, "TRELLIS_PG_BIN"),
    )


def mail_server(variables: Mapping[str, str]) -> MailServer | None:
    """Gives the server that takes the mail; None when none is named."""
    url = variables.get("TRELLIS_SMTP_URL")
    try:
        return read_server(url) if url else None
    except ValueError as error:
        raise SettingsError(f"TRELLIS_SMTP_URL: {error}") from error


def mail_from(variables: Mapping[str, str]) -> str:
    """Gives the sender of the mail, which a server has to know."""
    given = variables.get("TRELLIS_MAIL_FROM", "")
    if "@" in parseaddr(given)[1] or not (given or variables.get("TRELLIS_SMTP_URL")):
        return given
    raise SettingsError(
        f"TRELLIS_MAIL_FROM: {given!r} is no address; one is Trellis <crm@example.com>"
    )


def public_url(variables: Mapping[str, str]) -> str | None:
    """Gives the address under which people reach the installation."""
    given = variables.get("TRELLIS_PUBLIC_URL")
    if given and not (given.startswith(("https://", "http://")) and urlsplit(given).hostname):
        raise SettingsError(
            f"TRELLIS_PUBLIC_URL: {given!r} is no address; one is https://crm.example.com"
        )
    return given or None


def trusted_keys(variables: Mapping[str, str], instance: Path) -> tuple[str, ...]:
    """Gives the public keys in the environment and in the instance folder, one a line or word.

    What follows # in a line says whose key it is.
    """
    listed = [variables.get("TRELLIS_TRUSTED_KEYS", ""), read_secret(instance / TRUSTED_FILE)]
    lines = [line.partition("#")[0] for text in listed for line in text.splitlines()]
    return tuple(word for line in lines for word in line.replace(",", " ").split())


def prepare_instance(environment: Mapping[str, str] | None = None) -> Settings:
    """Makes the instance folder and its secrets where they are missing, then reads the settings."""
    variables = os.environ if environment is None else environment
    instance = instance_folder(variables)
    for folder in (
        instance,
        instance / "run",
        named_folder(variables, "TRELLIS_UPLOADS") or instance / UPLOADS,
    ):
        folder.mkdir(parents=True, exist_ok=True)
        if folder != instance:
            folder.chmod(0o700)
    for name in (SECRET_FILE, ENCRYPTION_FILE):
        make_secret(instance / name)
    if not variables.get("TRELLIS_DATABASE_URL"):
        # SQLite gives its log the mode of this file; others are not to read either.
        os.close(os.open(instance / SQLITE_FILE, os.O_CREAT, 0o600))
    return load_settings(variables)


def instance_folder(variables: Mapping[str, str]) -> Path:
    """Gives the absolute path of the instance folder."""
    return Path(variables.get("TRELLIS_INSTANCE") or "instance").expanduser().resolve()


def make_secret(path: Path) -> None:
    """Writes a fresh random secret that only the owner may read; an existing one stays."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(48) + "\n")


def read_secret(path: Path) -> str:
    """Gives a secret file's content, or nothing when the file is missing."""
    try:
        return path.read_text("utf-8").strip()
    except FileNotFoundError:
        return ""
    except PermissionError as error:
        raise SettingsError(f"{path} may not be read by this user") from error


def named_folder(variables: Mapping[str, str], name: str) -> Path | None:
    """Gives the folder that a variable names; None when it is not set."""
    named = variables.get(name)
    return Path(named).expanduser().resolve() if named else None


def encryption_keys(variables: Mapping[str, str], instance: Path) -> tuple[str, ...]:
    """Gives the keys of field encryption, the newest first, apart by commas or white space."""
    given = variables.get("TRELLIS_ENCRYPTION_KEYS") or read_secret(instance / ENCRYPTION_FILE)
    keys = tuple(given.replace(",", " ").split())
    for place, key in enumerate(keys, 1):
        if not is_long_enough(key):
            raise SettingsError(
                f"TRELLIS_ENCRYPTION_KEYS: key {place} has {len(key)} characters; "
                f"a key has at least {MIN_KEY_CHARACTERS}"
            )
    return keys


def database_url(variables: Mapping[str, str], instance: Path) -> str:
    """Gives SQLAlchemy's address of the database; PostgreSQL is always spoken through psycopg 3."""
    url = variables.get("TRELLIS_DATABASE_URL") or f"sqlite:///{instance / SQLITE_FILE}"
    for short in ("postgres://", "postgresql://"):
        if url.startswith(short):
            return "postgresql+psycopg://" + url.removeprefix(short)
    if not url.startswith(("sqlite://", "postgresql+psycopg://")):
        raise SettingsError(
            f"TRELLIS_DATABASE_URL: {url.split('://')[0]!r} is no database that Trellis knows; "
            "there are: sqlite, postgresql"
        )
    return url


def timezone_name(variables: Mapping[str, str]) -> str:
    """Gives the name of the organisation's zone."""
    name = variables.get("TRELLIS_TIMEZONE") or "UTC"
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        near = next(
            (zone for zone in sorted(available_timezones()) if name in zone), "Asia/Shanghai"
        )
        raise SettingsError(f"TRELLIS_TIMEZONE: no zone {name!r}; one is {near}") from error
    return name


def base_currency(variables: Mapping[str, str]) -> str:
    """Gives the code of the organisation's currency."""
    code = (variables.get("TRELLIS_BASE_CURRENCY") or DEFAULT_BASE).upper()
    if code not in CURRENCIES:
        near = suggest_currency(code, DEFAULT_BASE)
        raise SettingsError(f"TRELLIS_BASE_CURRENCY: no currency {code!r}; one is {near}")
    return code


def synchronous(variables: Mapping[str, str]) -> str:
    """Gives SQLite's durability setting."""
    value = (variables.get("TRELLIS_SQLITE_SYNCHRONOUS") or SYNCHRONOUS[0]).upper()
    if value not in SYNCHRONOUS:
        raise SettingsError(
            f"TRELLIS_SQLITE_SYNCHRONOUS: no {value!r}; there are: {', '.join(SYNCHRONOUS)}"
        )
    return value


def networks(variables: Mapping[str, str], name: str) -> tuple[Network, ...]:
    """Gives the networks that a variable names, apart by commas or white space."""
    found = []
    for text in variables.get(name, "").replace(",", " ").split():
        try:
            found.append(ipaddress.ip_network(text))
        except ValueError as error:
            raise SettingsError(f"{name}: {text!r} is no network; one is 10.1.0.0/16") from error
    return tuple(found)


def whole_number(variables: Mapping[str, str], name: str, default: int = 0) -> int:
    """Gives a variable's value as a number; the default when it is not set."""
    text = variables.get(name) or str(default)
    if not text.isdecimal():
        raise SettingsError(f"{name}: {text!r} is no whole number")
    return int(text)
