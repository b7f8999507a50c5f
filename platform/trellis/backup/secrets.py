"""The secrets that a backup does not hold, and whether those of an instance are the ones."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping

from metadata.encryption import Cipher, EncryptionError, Place
from trellis.audit.seals import KEY_FILE, Seals
from trellis.backup.manifest import Manifest
from trellis.config import ENCRYPTION_FILE, SECRET_FILE, Settings

PLACE = Place("backup", "manifest", "key")


def sealed_probes(cipher: Cipher | None) -> Mapping[str, str]:
    """Gives for each encryption key, by its id, a text that it sealed."""
    keys = cipher.keys if cipher else ()
    return {key.id: str(Cipher([key.secret]).seal(key.id, PLACE)) for key in keys}


def secret_mark(settings: Settings) -> str:
    """Gives a keyed hash by which the secret key is known again."""
    return hmac.digest(settings.secret_key.encode(), b"trellis backup", hashlib.sha256).hex()


def key_problems(manifest: Manifest, cipher: Cipher | None) -> Iterator[str]:
    """Gives which keys are missing without which sealed values could not be opened."""
    given = {key.id for key in cipher.keys} if cipher else set()
    known = ", ".join(sorted(given)) or "none"
    for key_id, sealed in manifest.keys.items():
        if cipher is None or not opens(cipher, key_id, sealed):
            yield (
                f"encryption key {key_id}, which sealed values of the backup, is not among those "
                f"given ({known}): put it into TRELLIS_ENCRYPTION_KEYS or the file "
                f"{ENCRYPTION_FILE} of the instance"
            )
    if given and not manifest.keys:
        yield (
            "the backup was made without encryption keys, and this instance has some: take the "
            f"file {ENCRYPTION_FILE} away, and TRELLIS_ENCRYPTION_KEYS"
        )


def opens(cipher: Cipher, key_id: str, sealed: str) -> bool:
    """Says whether a key among those given opens what the one with this id sealed."""
    try:
        return cipher.open(sealed, PLACE) == key_id
    except EncryptionError:
        return False


def secret_problems(manifest: Manifest, settings: Settings) -> Iterator[str]:
    """Gives which other secrets differ: records can be read without them."""
    if not hmac.compare_digest(manifest.secret, secret_mark(settings)):
        yield (
            "the secret key is not the backup's, so API keys would end: put it into "
            f"TRELLIS_SECRET_KEY or the file {SECRET_FILE} of the instance, or add --new-secrets"
        )
    if manifest.audit.public_key != known_public_key(settings):
        yield (
            f"the file {KEY_FILE} of the instance is not the backup's, so heads of the audit would "
            "not fit: put it back, or add --new-secrets"
        )


def known_public_key(settings: Settings) -> str:
    """Gives the public key of the audit; "" when there is no key yet."""
    seals = Seals(settings.instance)
    return seals.public_key() if (settings.instance / KEY_FILE).exists() else ""
