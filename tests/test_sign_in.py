"""Signing in: nobody comes past the door who may not, and without secrets there is no door."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit import config
from streamlit.errors import StreamlitAuthError
from streamlit.testing.v1 import AppTest

from blurdash.errors import SettingError
from blurdash.ui.server.sign_in import may_enter

AUTH = {"redirect_uri": "https://b.example.org/oauth2callback", "cookie_secret": "c" * 32}
PROVIDER = {"client_id": "a", "client_secret": "b", "server_metadata_url": "https://idp.invalid"}


def page() -> None:
    from blurdash.ui.app import run

    run()


@pytest.fixture
def visit(dlib_embedder: object, monkeypatch: pytest.MonkeyPatch):
    """Opens the dashboard as a visitor of whom a provider says this."""

    def open_it(secrets: dict[str, Any], **claims: object) -> AppTest:
        st.cache_resource.clear()
        monkeypatch.setattr(st, "user", claims)
        app = AppTest.from_function(page, default_timeout=60)
        app.secrets = secrets
        app.run()
        assert not app.exception
        return app

    return open_it


def is_inside(app: AppTest) -> bool:
    return any(one.label == "Recogniser" for one in app.selectbox)


def labels(app: AppTest) -> list[str]:
    return [one.label for one in app.button]


def test_without_secrets_there_is_no_door(visit):
    app = visit({})
    assert is_inside(app)
    assert "Sign out" not in labels(app)


def test_secrets_of_something_else_make_no_door(visit):
    assert is_inside(visit({"database": {"password": "x"}}))


def test_who_has_not_signed_in_sees_nothing_but_the_door(visit, monkeypatch):
    asked: list[str | None] = []
    monkeypatch.setattr(st, "login", asked.append)
    app = visit({"auth": AUTH | PROVIDER})
    assert not is_inside(app)
    assert labels(app) == ["Sign in"]
    assert [one.value for one in app.header] == ["blurdash"]
    app.button[0].click().run()
    assert asked == [None]
    assert not is_inside(app)


def test_each_provider_has_a_button(visit, monkeypatch):
    asked: list[str | None] = []
    monkeypatch.setattr(st, "login", asked.append)
    app = visit({"auth": AUTH | {"google": PROVIDER, "school": PROVIDER}})
    assert labels(app) == ["Sign in with Google", "Sign in with School"]
    app.button[1].click().run()
    assert asked == ["school"]


def test_who_has_signed_in_is_inside_and_can_sign_out(visit, monkeypatch):
    left: list[bool] = []
    monkeypatch.setattr(st, "logout", lambda: left.append(True))
    app = visit({"auth": AUTH | PROVIDER}, is_logged_in=True)
    assert is_inside(app)
    next(one for one in app.button if one.label == "Sign out").click().run()
    assert left == [True]


def test_who_is_not_invited_stays_outside(visit):
    secrets = {"auth": AUTH | PROVIDER, "sign_in": {"emails": ["ann@example.org"]}}
    stranger = visit(secrets, is_logged_in=True, email="bob@example.org", email_verified=True)
    assert not is_inside(stranger)
    assert "not invited" in stranger.warning[0].value
    assert labels(stranger) == ["Sign out"]
    assert is_inside(
        visit(secrets, is_logged_in=True, email="ann@example.org", email_verified=True)
    )


@pytest.mark.parametrize(
    ("email", "verified", "allowed"),
    [
        ("ann@example.org", True, True),
        ("ANN@Example.ORG", True, True),
        ("bob@school.example", True, True),
        ("bob@school.example", "true", True),
        ("bob@School.Example", True, True),
        ("bob@not-school.example", True, False),
        ("bob@school.example.com", True, False),
        ("bob@sub.school.example", True, False),
        ("school.example", True, False),
        ("@school.example@elsewhere.example", True, False),
        ("ann@example.org", False, False),
        ("ann@example.org", None, False),
        ("", True, False),
        (None, True, False),
    ],
)
def test_whoever_is_on_the_list_may_enter(email: object, verified: object, allowed: bool):
    rules = {"emails": ["ann@example.org", "@school.example"]}
    assert may_enter({"email": email, "email_verified": verified}, rules) is allowed


def test_without_a_list_the_provider_decides():
    assert may_enter({}, {})


@pytest.mark.parametrize(
    "rules",
    [
        {"emails": "ann@example.org"},
        {"emails": [1]},
        {"emails": ["example.org"]},
        {"email": ["a@b"]},
        7,
    ],
)
def test_list_with_a_mistake_lets_nobody_in(visit, rules: object):
    with pytest.raises(SettingError, match="emails = "):
        may_enter({"email": "a@b", "email_verified": True}, rules)
    app = visit({"auth": AUTH | PROVIDER, "sign_in": rules}, is_logged_in=True, email="a@b")
    assert not is_inside(app)
    assert "sign_in" in app.error[0].value


@pytest.mark.parametrize("content", ["[auth\nclient_id = ", None])
def test_secrets_that_cannot_be_read_let_nobody_in(
    visit, monkeypatch, tmp_path: Path, content: str | None
):
    named = tmp_path / "secrets.toml"
    if content is not None:
        named.write_text(content)
    option, set_by_hand = config.get_option, config.is_manually_set
    monkeypatch.setattr(
        config, "get_option", lambda key: [str(named)] if key == "secrets.files" else option(key)
    )
    monkeypatch.setattr(
        config,
        "is_manually_set",
        lambda key: content is None if key == "secrets.files" else set_by_hand(key),
    )
    app = visit({})
    assert not is_inside(app)
    assert "cannot be read" in app.error[0].value
    assert "client_id" not in app.error[0].value


def test_home_that_nobody_may_read_holds_no_secrets(visit, monkeypatch):
    asked, exists = [], Path.exists

    def refuse(path: Path, **how: bool) -> bool:
        if path.name != "secrets.toml":
            return exists(path, **how)
        asked.append(path)
        raise PermissionError

    monkeypatch.setattr(Path, "exists", refuse)
    assert is_inside(visit({}))
    assert asked


def test_provider_that_is_not_set_up_is_said(visit, monkeypatch):
    def refuse(_provider: object) -> None:
        raise StreamlitAuthError("client_secret of the provider is missing")

    monkeypatch.setattr(st, "login", refuse)
    app = visit({"auth": AUTH | PROVIDER})
    app.button[0].click().run()
    assert not is_inside(app)
    assert "docs/serving.md" in app.error[0].value


def test_secrets_of_the_document_are_as_wanted():
    text = (Path(__file__).parents[1] / "docs" / "serving.md").read_text("utf-8")
    secrets = tomllib.loads(text.split("```toml\n")[1].split("```")[0])
    assert set(AUTH | PROVIDER) == set(secrets["auth"])
    for email, allowed in (("ann@example.org", True), ("bob@your.org", True), ("x@y.org", False)):
        claims = {"email": email, "email_verified": True}
        assert may_enter(claims, secrets["sign_in"]) is allowed
