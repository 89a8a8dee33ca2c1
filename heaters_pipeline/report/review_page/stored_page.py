"""The review page of a video that lies in a store, with what people decided of it so far."""

from collections.abc import Mapping

from heaters_pipeline.report.review_page.page_data import Link, page_data, require_finished
from heaters_pipeline.report.review_page.page_html import page_html
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.corrections import Corrections, edits_json
from heaters_pipeline.storage.records.manifests import Json
from heaters_pipeline.storage.records.video_manifests import VideoManifest
from heaters_pipeline.video.detection.score_track import ScoreTrack


def stored_page(
    store: ObjectStore,
    video: VideoManifest,
    corrections: Corrections,
    link: Link,
    decoder_link: str,
    *,
    index_link: str | None = None,
    more: Mapping[str, Json] | None = None,
) -> bytes:
    """The page, made of the manifest, by one GET for the score track.

    Args:
        store: Where the track lies.
        video: The manifest of the video.
        corrections: What is decided already, which the page shows.
        link: Gives the address of an object.
        decoder_link: The address of the script that decodes frames.
        index_link: The address of the page of all videos, if there is one.
        more: What the page is to know besides.
    Raises:
        ManifestError: The video is not finished, or its track is damaged.
        ObjectNotFoundError: The track is missing.
    """
    require_finished(video)
    track = store.read_bytes(video.stages["frame_scores"].items[0].key)
    data = page_data(video, ScoreTrack.from_bytes(track), link)
    decided: dict[str, Json] = {
        "decisions": [one.to_json() for one in corrections.decisions],
        "edits_applied": edits_applied(video, corrections),
    }
    return page_html({**data, **decided, **(more or {})}, decoder_link, index_link=index_link)


def edits_applied(video: VideoManifest, corrections: Corrections) -> int:
    """How many of the edits, from the first on, the scenes of a video have in them already.

    0 if others came before those since; the page then applies all of them once more.
    """
    scenes = video.stages["scenes"]
    applied: list[Json] = scenes.inputs.get("corrections", [])
    sha256 = str(video.stages["source_videos"].summary["sha256"])
    edits = edits_json(corrections.edits(sha256))
    return len(applied) if edits[: len(applied)] == applied else 0
