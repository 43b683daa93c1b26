"""The documented files of serving: what they forbid, and that they fit the installed Streamlit."""

from __future__ import annotations

import base64
import configparser
import hashlib
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import streamlit

from blurdash.photo import MAX_BYTES
from tests.serving_files import NGINX_CONF, ROOT, UNIT, unit


def test_unit_takes_away_what_it_says():
    service = unit()
    for key in (
        "DynamicUser", "NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices",
        "ProtectKernelTunables", "ProtectKernelModules", "ProtectControlGroups", "RestrictSUIDSGID",
    ):  # fmt: skip
        assert service[key] == ["yes"], key
    assert service["ProtectSystem"] == ["strict"]
    assert service["CapabilityBoundingSet"] == [""]
    assert (service["LimitCORE"], service["MemorySwapMax"]) == (["0"], ["0"])
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(UNIT.read_text("utf-8"))
    assert parser.sections() == ["Unit", "Service", "Install"]


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    return tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))


def test_settings_keep_to_themselves(settings: dict[str, Any]):
    server = settings["server"]
    assert server["enableXsrfProtection"] is True
    assert server["enableCORS"] is True
    assert server["maxUploadSize"] << 20 == MAX_BYTES
    assert server["address"] == settings["browser"]["serverAddress"] == "localhost"
    assert settings["browser"]["gatherUsageStats"] is False
    assert settings["client"]["showErrorDetails"] == "none"
    assert "fontFaces" not in settings["theme"]
    text = (ROOT / ".streamlit" / "config.toml").read_text("utf-8")
    assert "://" not in text  # no font, script or logo from another host


def test_every_setting_is_one_that_streamlit_knows(settings: dict[str, Any]):
    from streamlit import config

    known = set(config._config_options_template)
    for section, values in settings.items():
        for key, value in values.items():
            if isinstance(value, dict):
                assert {f"{section}.{key}.{inner}" for inner in value} <= known
            else:
                assert f"{section}.{key}" in known


def test_nginx_lets_through_what_streamlit_takes(settings: dict[str, Any]):
    body = re.findall(r"client_max_body_size (\d+)m;", NGINX_CONF.read_text("utf-8"))
    assert [int(size) for size in body] == [settings["server"]["maxUploadSize"] + 1]


def test_policy_names_the_script_of_the_installed_streamlit():
    page = Path(streamlit.__file__).parent / "static" / "index.html"
    scripts = re.findall(r"<script>(.*?)</script>", page.read_text("utf-8"), re.DOTALL)
    found = {
        f"sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}"
        for one in scripts
    }
    policy = next(
        line for line in NGINX_CONF.read_text("utf-8").splitlines() if "Content-Security" in line
    )
    assert set(re.findall(r"sha256-[A-Za-z0-9+/=]+", policy)) == found
    assert "'unsafe-eval'" not in policy
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
