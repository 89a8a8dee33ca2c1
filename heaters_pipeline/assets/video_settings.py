"""The settings that count for a video: given by hand, by the store's file, or the defaults."""

from collections.abc import Sequence

from heaters_pipeline.assets.run_settings import RunSettings
from heaters_pipeline.settings_layers import GIVEN_BEFORE, Layer, Layers, file_layers, given_layer
from heaters_pipeline.storage import keys
from heaters_pipeline.workspace import Workspace


def video_layers(
    workspace: Workspace, video_id: str, now: Sequence[Layer] = (), source_key: str | None = None
) -> Layers:
    """All that was said of a video, in the order in which it counts.

    What is given now wins over what was given before, that over the rules of the store's file that
    the video falls under, those over what the file says of all videos, and that over the defaults.

    Args:
        workspace: Of the store.
        video_id: The partition.
        now: Given by hand in this run.
        source_key: Of its source; else the recorded one, or the one that its name tells.
    Raises:
        SettingsError: The store's file is broken.
    """
    video = workspace.video(video_id)
    recorded = video.stages.get("source_videos")
    known = source_key or (str(recorded.summary["source_key"]) if recorded else None)
    path = known or keys.guess_source_key(video_id)
    before = given_layer(workspace.given(video_id), GIVEN_BEFORE)
    return Layers([*file_layers(workspace.settings(), video_id, path), before, *now])


def video_settings(layers: Layers) -> RunSettings:
    """What a run works with.

    Raises:
        SettingsError: A value is out of bounds, or two contradict each other.
    """
    return RunSettings.of(layers.sound_values())
