"""Headers that keep a browser from running or framing what is not ours."""

from __future__ import annotations

import secrets

from flask import Flask, Response, g, request

from trellis.security.sessions import brings_token

POLICY = (
    "default-src 'self'; script-src 'self'{nonce}; style-src 'self'{nonce}; "
    "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
POLICY_WITHOUT_NONCE = POLICY.format(nonce="")
FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
YEAR_SECONDS = 31_536_000


def csp_nonce() -> str:
    """Gives this answer's nonce, for script and style elements in templates."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    nonce: str = g.csp_nonce
    return nonce


def policy() -> str:
    """Gives what this answer may load: with the nonce, if its template asked for one."""
    if "csp_nonce" not in g:
        return POLICY_WITHOUT_NONCE
    return POLICY.format(nonce=f" 'nonce-{csp_nonce()}'")


def install_headers(app: Flask) -> None:
    """Sets the headers on every answer."""
    app.jinja_env.globals["csp_nonce"] = csp_nonce

    @app.after_request
    def protect(response: Response) -> Response:
        present = {name.lower() for name, _ in response.headers}
        for name, value in (("Content-Security-Policy", policy()), *FIXED.items()):
            if name.lower() not in present:
                response.headers.add(name, value)
        if request.is_secure:
            response.headers["Strict-Transport-Security"] = f"max-age={YEAR_SECONDS}"
        if request.endpoint == "static":
            keep_static(response)
        elif "cache-control" not in present:
            # A page belongs to one person: no proxy may keep it.
            response.headers["Cache-Control"] = "private, no-cache"
            response.vary.update(["Authorization"] if brings_token(request) else ["Cookie"])
        return response


def keep_static(response: Response) -> None:
    """Lets browsers keep built files for ever: their names change with their content."""
    if "/dist/" in request.path and response.status_code == 200:
        response.headers["Cache-Control"] = f"public, max-age={YEAR_SECONDS}, immutable"
