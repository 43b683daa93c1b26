"""Asks visitors to sign in where the server's secrets say so; without them nothing changes.

The section ``[auth]`` of ``.streamlit/secrets.toml`` is Streamlit's own (``st.login``, OpenID
Connect); ``[sign_in]`` with ``emails`` says who of those the provider knows may come in.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st
from streamlit.errors import Error as StreamlitError

from blurdash.errors import SettingError
from blurdash.ui.server.streamlit_inside import secrets_are_meant
from blurdash.words import sentence

__all__ = ["closed_door", "may_enter", "sign_out_choice"]


def closed_door() -> Callable[[], None] | None:
    """Returns what to draw instead of a page: a way to sign in, or why there is none.

    Returns:
        None where the visitor may see the page.
    """
    try:
        secrets = _secrets()
        if "auth" not in secrets:
            return None
        signed_in = bool(st.user.get("is_logged_in"))
        if signed_in and may_enter(st.user, secrets.get("sign_in", {})):
            return None
    except SettingError as error:
        return functools.partial(_door, functools.partial(_locked, str(error)))
    inside = _turned_away if signed_in else functools.partial(_choose_provider, secrets["auth"])
    return functools.partial(_door, inside)


def may_enter(claims: Mapping[str, Any], rules: Any) -> bool:
    """Returns whether somebody who has signed in is among those who were invited.

    Args:
        claims: What the provider says of the person: ``email``, ``email_verified``.
        rules: The section ``[sign_in]``. With ``emails``, a list of addresses and of
            ``"@domain"``, only these may enter; without it everybody whom the provider knows.

    Raises:
        SettingError: The section is not of this form; then nobody may.

    Example:
        >>> may_enter({"email": "Ann@b.org", "email_verified": True}, {"emails": ["@b.org"]})
        True
    """
    emails = rules.get("emails") if isinstance(rules, Mapping) else ()
    if emails is None and set(rules) <= {"emails"}:
        return True
    if not isinstance(emails, list) or not all(
        isinstance(one, str) and "@" in one for one in emails
    ):
        raise SettingError(
            "the section sign_in of the secrets is not as wanted",
            hint='write emails = ["ann@example.org", "@example.org"] there, or leave it out',
        )
    # What nobody has checked, anybody can write into an account of their own.
    if str(claims.get("email_verified")).lower() != "true":
        return False
    name, _, domain = str(claims.get("email") or "").lower().partition("@")
    invited = {one.strip().lower() for one in emails}
    return bool(name) and not invited.isdisjoint({f"{name}@{domain}", f"@{domain}"})


def sign_out_choice() -> None:
    """Draws a button to sign out, where one can."""
    if st.user.get("is_logged_in") and st.button(
        "Sign out", icon=":material/logout:", type="tertiary", key="bd_sign_out"
    ):
        st.logout()


def _secrets() -> Mapping[str, Any]:
    """The server's secrets; none where there is no file of them."""
    if st.secrets.load_if_toml_exists():
        return st.secrets
    # A file with a mistake, or one that was named and is not there, must not open the door that it
    # was written for.
    if secrets_are_meant():
        raise SettingError(
            "the server's secrets cannot be read", hint="whoever runs it finds why in its log"
        )
    return {}


def _door(draw: Callable[[], None]) -> None:
    with st.container(horizontal_alignment="center", key="bd-door"):
        st.header("blurdash", anchor=False, text_alignment="center")
        draw()


def _choose_provider(auth: Mapping[str, Any]) -> None:
    st.markdown("This dashboard is for invited people: sign in to see it.", text_alignment="center")
    for provider in _providers(auth):
        name = f"Sign in with {provider.capitalize()}" if provider else "Sign in"
        if st.button(name, type="primary", key=f"bd_sign_in_{provider}"):
            try:
                st.login(provider or None)
            except StreamlitError as error:
                _misconfigured(error)


def _providers(auth: Mapping[str, Any]) -> list[str]:
    """Names of the providers; the one that has no name is an empty one."""
    named = [name for name, value in auth.items() if isinstance(value, Mapping)]
    named = [name for name in named if name != "client_kwargs"]
    return [""] if "client_id" in auth or not named else named


def _misconfigured(error: StreamlitError) -> None:
    st.error(
        f"Signing in is not set up on this server ({type(error).__name__}); whoever runs it finds "
        "how in docs/serving.md.",
        icon=":material/lock:",
    )


def _locked(why: str) -> None:
    st.error(sentence(why), icon=":material/lock:")


def _turned_away() -> None:
    st.warning("You are signed in, but this account was not invited.", icon=":material/lock:")
    sign_out_choice()
