"""The link in a letter by which an approver decides without logging in."""

from __future__ import annotations

from typing import Final

from itsdangerous import BadSignature, URLSafeTimedSerializer

DECISIONS: Final = "/decide"
SALT: Final = "mail-decision"
DAYS: Final = 14
SECONDS_A_DAY: Final = 86_400


def decision_token(secret_key: str, request_id: str, user_id: str) -> str:
    """Gives what proves that somebody has the letter that asked this user to decide."""
    return URLSafeTimedSerializer(secret_key, salt=SALT).dumps([request_id, user_id])


def read_decision_token(secret_key: str, token: str) -> tuple[str, str] | None:
    """Gives the request and the user of a token; None for one that is too old or not ours."""
    maker = URLSafeTimedSerializer(secret_key, salt=SALT)
    try:
        request_id, user_id = maker.loads(token, max_age=DAYS * SECONDS_A_DAY)
    except (BadSignature, ValueError, TypeError):
        return None
    return str(request_id), str(user_id)
