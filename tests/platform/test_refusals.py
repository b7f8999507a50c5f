"""What is refused before a use case sees it: in the reader's language, and when to come back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask_jwt_extended import create_access_token, create_refresh_token
from werkzeug.test import TestResponse

from tests.platform.test_api import Client, call
from tests.platform.world import Bearer, Login
from trellis.api import heavy

__all__ = ["call"]

PAST = timedelta(seconds=-5)
LONG = b'{"name": "' + b"x" * 3_000_000 + b'"}'
DEEP = b'{"a":' * 2_500 + b"1" + b"}" * 2_500
RITA = {"username": "rita", "password": "guess", "provider": "db"}
LOGIN, REFRESH = "/api/v1/security/login", "/api/v1/security/refresh"

# What comes as whom: (method, address, whose token, what is sent), status, code, and the words.
REFUSED: list[tuple[str, str, str, dict[str, Any], int, str, str, str]] = [
    ("GET", "/api/v1/lead", "", {}, 401, "not_logged_in", "Log in first", "请先登录"),
    ("GET", "/api/v1/lead", "expired", {}, 401, "not_logged_in", "Log in first", "请先登录"),
    ("GET", "/api/v1/lead", "broken", {}, 401, "not_logged_in", "Log in first", "请先登录"),
    ("POST", REFRESH, "", {}, 401, "not_logged_in", "Log in first", "请先登录"),
    ("POST", REFRESH, "lapsed", {}, 401, "token_lapsed", "Log in again", "请重新登录"),
    ("POST", REFRESH, "rita", {}, 401, "not_logged_in", "Log in first", "请先登录"),
    (*("POST", LOGIN, "", {"json": RITA}, 401, "login_failed"),
     *("User name or password is wrong", "用户名或密码不正确")),
    (*("POST", LOGIN, "", {"data": "{}", "content_type": "text/plain"}, 400, "bad_request"),
     *("The request cannot be read", "无法读取该请求")),
    (*("POST", LOGIN, "", {"data": DEEP, "content_type": "application/json"}, 400, "json_depth"),
     *("nested more than 60 levels deep", "嵌套超过 60 层")),
    (*("POST", LOGIN, "", {"data": LONG, "content_type": "application/json"}),
     *(413, "body_too_large", "The body is too large", "请求体过大")),
    (*("POST", LOGIN, "", {"json": {**RITA, "provider": "ldap"}}, 422, "unknown_value"),
     *("There is no provider here; there are: db", "这里没有 provider；现有：db")),
    (*("POST", LOGIN, "", {"json": {**RITA, "password": 5}}, 422, "text_expected"),
     *("Must be text", "必须是文本")),
    (*("GET", "/api/v1/no/such/place/at/all", "", {}, 404, "unknown_address"),
     *("There is nothing at this address", "此地址没有内容")),
    (*("GET", "/api/v2/lead", "rita", {}, 404, "unknown_address"),
     *("There is nothing at this address", "此地址没有内容")),
    (*("PUT", "/api/v1/lead", "rita", {}, 405, "method_not_allowed"),
     *("This address does not know the method", "此地址不支持该方法")),
    (*("POST", "/api/v1/lead", "rita", {"data": LONG, "content_type": "application/json"}),
     *(413, "body_too_large", "The body is too large", "请求体过大")),
    (*("POST", "/hooks/nobody", "", {"data": "x"}, 401, "not_signed"),
     *("This message is not signed by its source", "此消息没有其来源的有效签名")),
    (*("POST", "/hooks/nobody", "", {"data": "x" * 9_000_000}, 413, "body_too_large"),
     *("The body is too large", "请求体过大")),
]  # fmt: skip


def ask(
    app: Flask, bearer: Bearer, token: str, method: str, address: str, sent: Mapping[str, Any]
) -> dict[str, TestResponse]:
    """Gives what is answered, by language."""
    with app.test_request_context():
        headers = {
            "": {},
            "rita": bearer("rita"),
            "broken": {"Authorization": "Bearer x.y.z"},
            "expired": {"Authorization": f"Bearer {create_access_token('1', expires_delta=PAST)}"},
            "lapsed": {"Authorization": f"Bearer {create_refresh_token('1', expires_delta=PAST)}"},
        }[token]
    client = app.test_client()
    return {
        language: client.open(
            address, method=method, headers={**headers, "Accept-Language": language}, **sent
        )
        for language in ("en", "zh-CN")
    }


@pytest.mark.parametrize(
    ("method", "address", "token", "sent", "status", "code", "english", "chinese"),
    REFUSED,
    ids=[f"{row[2]} {row[0]} {row[1]} {row[5]}" for row in REFUSED],
)
def test_programs_are_told_in_their_language(
    app: Flask,
    bearer: Bearer,
    method: str,
    address: str,
    token: str,
    sent: Mapping[str, Any],
    status: int,
    code: str,
    english: str,
    chinese: str,
) -> None:
    answers = ask(app, bearer, token, method, address, sent)
    for language, words in (("en", english), ("zh-CN", chinese)):
        answer = answers[language]
        assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
        body = answer.get_json()
        assert body["detail"] == words
        assert [(one["code"], one["message"]) for one in body["errors"]] == [(code, words)]
    assert ("Allow" in answers["en"].headers) == (status == 405)


def test_all_that_is_wrong_with_a_login_is_said_at_once(app: Flask) -> None:
    body = {"user": "rita", "password": "", "refresh": "yes"}
    answer = app.test_client().post(LOGIN, json=body)
    assert answer.status_code == 422
    assert {(one["path"], one["code"]) for one in answer.get_json()["errors"]} == {
        ("/user", "unknown_key"),
        ("/username", "required"),
        ("/password", "required"),
        ("/provider", "required"),
        ("/refresh", "boolean_expected"),
    }


def test_a_browsers_write_without_its_token_is_refused_in_words(login: Login) -> None:
    rita, forged = login("rita"), {"X-CSRFToken": "x", "Accept-Language": "zh"}
    (error,) = rita.post("/api/v1/lead", json={"name": "A"}, headers=forged).get_json()["errors"]
    assert (error["code"], error["message"]) == (
        "csrf_refused",
        "请求未带有效的 CSRF 令牌：请重新加载页面",
    )
    page = rita.post("/o/lead/new", data={"name": "A"}, headers=forged)
    assert page.status_code == 400
    for text in ("无法完成此操作", error["message"]):
        assert text in page.get_data(as_text=True)
    wrong = rita.put("/profile/password", headers={"Accept-Language": "zh"})
    assert wrong.status_code == 405
    assert "此地址不支持该方法" in wrong.get_data(as_text=True)


def test_who_asks_too_much_at_once_is_told_when_to_come_back(
    call: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heavy, "AT_ONCE", 0)
    answer = call("rita", "GET", "lead", headers={"Accept-Language": "zh"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "5")
    assert answer.get_json()["errors"][0]["code"] == "too_many_at_once"
