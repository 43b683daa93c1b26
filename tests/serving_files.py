"""The files of docs/serving.md, for the tests that read them and the tests that serve with them."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
NGINX_CONF = ROOT / "docs" / "serving" / "nginx.conf"
UNIT = ROOT / "docs" / "serving" / "blurdash.service"


def unit() -> dict[str, list[str]]:
    """The unit's [Service] section; a key may stand in it several times."""
    found: dict[str, list[str]] = {}
    section = UNIT.read_text("utf-8").split("[Service]\n")[1].split("\n[")[0]
    for line in section.splitlines():
        if line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found
