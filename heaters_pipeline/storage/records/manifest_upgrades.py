"""From the manifests that single stages had in version 1 to those of version 2. Pure.

An upgraded manifest says nothing that it did not say: its fingerprint stays, so that nothing is
made again for it. The next run writes it into the manifest of its video.
"""

from collections.abc import Callable
from typing import Any

FORMAT_VERSION = 2
"""Of a stage's manifest in a file of its own; docs/formats.md says what each one brought."""


def upgraded(content: dict[str, Any]) -> dict[str, Any]:
    """The content of a manifest as the current version has it.

    Args:
        content: Of a version from 1 to ``FORMAT_VERSION``; it is changed.
    Raises:
        KeyError: It lacks what its version must have.
    """
    for version in range(content["format_version"], FORMAT_VERSION):
        _UPGRADES[version](content)
    return content


def _from_1(content: dict[str, Any]) -> None:
    """Scenes list the excluded frames, items the digest of their content, as far as it is known."""
    if content["stage"] == "scenes":
        content["summary"].setdefault("excluded", [])
    for item in content["items"]:
        item["details"].setdefault("sha256", None)


_UPGRADES: dict[int, Callable[[dict[str, Any]], None]] = {1: _from_1}
