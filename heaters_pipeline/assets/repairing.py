"""Make again what was lost of a video, with the settings that it was made with, and no more."""

import logging
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from heaters_pipeline.assets.records import clip_settings_json, settings_json
from heaters_pipeline.assets.run_settings import RunSettings
from heaters_pipeline.errors import HeatersError, ManifestError
from heaters_pipeline.names import STORYBOARDS_ASSET, VIDEO_STAGES
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.manifests import Manifest
from heaters_pipeline.storage.records.verification import Verifier, VideoReport, source_advice
from heaters_pipeline.storage.records.video_manifests import VideoManifest
from heaters_pipeline.video.clips import write as clips
from heaters_pipeline.video.detection import transitions
from heaters_pipeline.video.scoring import scores
from heaters_pipeline.video.stills import keyframes, sprites, storyboards
from heaters_pipeline.workspace import Workspace

Config = dict[str, dict[str, Any]]
"""Config by asset."""

_VERSIONS = {
    "frame_scores": ("algorithm_version", scores.ALGORITHM_VERSION),
    "scenes": ("algorithm_version", transitions.ALGORITHM_VERSION),
    "clips": ("format_version", clips.FORMAT_VERSION),
    "sprite_sheets": ("format_version", sprites.INDEX_FORMAT_VERSION),
    "keyframes": ("format_version", keyframes.FORMAT_VERSION),
    "storyboards": ("format_version", storyboards.FORMAT_VERSION),
}

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What the run of a repair came to.

    Attributes:
        error: Why it failed, or None.
        made: Units made, by asset.
        reused: Units reused, by asset.
    """

    error: str | None
    made: dict[str, int] = field(default_factory=dict)
    reused: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Repair:
    """A repair that was tried.

    Attributes:
        error: Why it could not be done, or None.
        outcome: Of the run; None if none was started.
        after: What was found afterwards; as before if no run was started.
    """

    error: str | None
    outcome: RunOutcome | None
    after: VideoReport


def repair_video(
    workspace: Workspace,
    video_id: str,
    run: Callable[[Config, Workspace], RunOutcome],
    *,
    deep: bool,
) -> Repair:
    """Make again what is lost of a video, and verify it once more.

    Args:
        workspace: Of its store.
        video_id: The partition.
        run: Processes the video with this config and this workspace, which has the claim on it.
        deep: Compare contents, too.
    """
    verifier = Verifier(workspace.store, deep=deep)
    with closing(workspace.afresh()) as claimed:
        claimed.takes_config_as_it_is = True
        claimed.claim(video_id, lambda whom: _logger.info("%s: waits for %s", video_id, whom))
        # As it is now that nobody else works on it.
        (report,) = verifier.videos([video_id])
        if not report.findings:
            return Repair(report.error, None, report)
        if report.manifest is not None:
            claimed.left_out = frozenset(VIDEO_STAGES) - report.manifest.stages.keys()
        try:
            config = recorded_config(report)
            _clear_the_way(workspace.store, report)
        except HeatersError as error:
            return Repair(str(error), None, report)
        outcome = run(config, claimed)
    (after,) = verifier.videos([video_id])
    return Repair(outcome.error, outcome, after)


def recorded_config(report: VideoReport) -> Config:
    """The config of a run that makes the video as it was made.

    Raises:
        ManifestError: It cannot be told, or would make other things than are recorded.
    """
    video_id = report.video_id
    manifest = report.manifest or VideoManifest(video_id)
    manifests = manifest.stages
    source = [finding for finding in report.findings if finding.stage == "source_videos"]
    for finding in source:
        raise ManifestError(f"{finding.why}: {source_advice(video_id, finding)}")
    lost = [stage for stage in VIDEO_STAGES if stage not in {*manifests, STORYBOARDS_ASSET}]
    if lost:
        raise ManifestError(
            f"the settings of {video_id} are not recorded ({', '.join(lost)}); run heaters process "
            f"{video_id} with the options it was made with: what is stored is adopted"
        )
    if not manifest.is_finished:
        raise ManifestError(
            f"the stages of {video_id} were made with different settings; run heaters process "
            f"{video_id} with those that you want"
        )
    _require_this_version(manifests, video_id)
    scan = manifests["frame_scores"].inputs["settings"]
    config = {
        "frame_scores": {
            "scan": manifests["frame_scores"].summary["scan"],
            "ignored_regions": scan["ignored"],
            "video_stream": scan.get("video_stream"),
        },
        **{stage: _typed(manifests[stage]) for stage in VIDEO_STAGES[2:] if stage in manifests},
    }
    # Where they do not name it, the clips are MP4, whatever the setting means today.
    config["clips"].setdefault("container", "mp4")
    _require_the_same(config, manifests, video_id)
    return config


def _typed(manifest: Manifest) -> dict[str, Any]:
    """Settings as a launchpad takes them: exact fractions become the numbers they were typed as."""
    return {
        name: float(Fraction(value)) if isinstance(value, str) and "/" in value else value
        for name, value in manifest.inputs["settings"].items()
    }


def _require_this_version(manifests: Mapping[str, Manifest], video_id: str) -> None:
    """Refuse what this version would make another thing of."""
    for stage, (name, version) in _VERSIONS.items():
        if stage in manifests and manifests[stage].inputs.get(name) != version:
            raise ManifestError(
                f"{stage} of {video_id} was made by another version of heaters_pipeline and would "
                f"become another one; run heaters process {video_id} with the settings you want"
            )


def _require_the_same(config: Config, manifests: Mapping[str, Manifest], video_id: str) -> None:
    """Refuse config that does not mean the settings that are recorded."""
    try:
        settings = RunSettings.of(config)
    except (HeatersError, ValueError) as error:
        raise ManifestError(
            f"the settings of {video_id} are none of this version: {error}; run heaters process "
            f"{video_id} with those that you want"
        ) from error
    codec = manifests["source_videos"].summary["info"]["codec"]
    meant = {
        "scenes": settings_json(settings.detection),
        "clips": clip_settings_json(settings.clips, codec),
        "sprite_sheets": settings_json(settings.sprites),
        "keyframes": settings_json(settings.keyframes),
        "storyboards": settings_json(settings.storyboards),
    }
    for stage, each in meant.items():
        if stage in manifests and manifests[stage].inputs["settings"] != each:
            raise ManifestError(
                f"the settings of {stage} of {video_id} are not all known to this version; run "
                f"heaters process {video_id} with those that you want"
            )


def _clear_the_way(store: ObjectStore, report: VideoReport) -> None:
    """Remove what would keep a run from seeing what is lost."""
    for finding in report.findings:
        if finding.hidden:
            _logger.warning("%s; it is deleted, to be made again", finding.why)
            store.delete(finding.key)
