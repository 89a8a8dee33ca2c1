"""The settings that the manifests of a video were made with, as the config of a run."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from pydantic import ValidationError

from heaters_pipeline.assets.records import settings_json
from heaters_pipeline.assets.run_settings import RunSettings
from heaters_pipeline.errors import ManifestError, SettingsError
from heaters_pipeline.storage.manifests import Manifest

_SETTINGS_STAGES = ("scenes", "clips", "sprite_sheets", "keyframes")


def recorded_config(manifests: Mapping[str, Manifest]) -> dict[str, dict[str, Any]]:
    """Config by asset with which a run decides as the recorded ones did.

    Args:
        manifests: By stage. A stage that has none gets its defaults.
    Raises:
        ManifestError: This version of the program has no such settings.
    """
    config = {
        stage: {name: _plain(value) for name, value in manifests[stage].inputs["settings"].items()}
        for stage in _SETTINGS_STAGES
        if stage in manifests
    }
    track = manifests.get("frame_scores")
    if track is not None:
        ignored = track.inputs["settings"]["ignored"]
        config["frame_scores"] = {"scan": track.summary["scan"], "ignored_regions": ignored}
    _require_same(config, manifests)
    return config


def _require_same(
    config: Mapping[str, Mapping[str, Any]], manifests: Mapping[str, Manifest]
) -> None:
    try:
        settings = RunSettings.of(config)
    except (SettingsError, ValidationError, TypeError) as error:
        raise _unknown(manifests, str(error)) from error
    again = {
        "scenes": settings.detection,
        "clips": settings.clips,
        "sprite_sheets": settings.sprites,
        "keyframes": settings.keyframes,
    }
    for stage in config.keys() & again.keys():
        if settings_json(again[stage]) != manifests[stage].inputs["settings"]:
            raise _unknown(manifests, f"those of {stage} have other fields")


def _plain(value: Any) -> Any:
    """Seconds as config takes them; manifests may have them as fractions."""
    if isinstance(value, str) and "/" in value:
        return float(Fraction(value))
    return value


def _unknown(manifests: Mapping[str, Manifest], why: str) -> ManifestError:
    video_id = next(iter(manifests.values())).video_id
    return ManifestError(
        f"{video_id} was made with settings that this version does not have ({why}); process it "
        "with the settings that it should have"
    )
