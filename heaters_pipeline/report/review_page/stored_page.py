"""The review page of a video that lies in a store, with what people decided of it so far."""

from collections.abc import Mapping, Sequence

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
    more: Mapping[str, Json] | None = None,
) -> bytes:
    """The page, made of the manifest, by one GET for the score track.

    Args:
        store: Where the track lies.
        video: The manifest of the video.
        corrections: What is decided already, which the page shows.
        link: Gives the address of an object.
        decoder_link: The address of the script that decodes frames.
        more: What the page is to know besides.
    Raises:
        ManifestError: The video is not finished, or its track is damaged.
        ObjectNotFoundError: The track is missing.
    """
    data = stored_data(store, video, link)
    decided = decided_data(applied_edits(video), corrections, str(data["source_sha256"]))
    return page_html({**data, **decided, **(more or {})}, decoder_link)


def stored_data(store: ObjectStore, video: VideoManifest, link: Link) -> dict[str, Json]:
    """What the page shows but for decisions; takes and raises the same."""
    require_finished(video)
    track = store.read_bytes(video.stages["frame_scores"].items[0].key)
    return page_data(video, ScoreTrack.from_bytes(track), link)


def applied_edits(video: VideoManifest) -> list[Json]:
    """The edits that the scenes of a video have in them already."""
    applied: list[Json] = video.stages["scenes"].inputs.get("corrections", [])
    return applied


def decided_data(
    applied: Sequence[Json], corrections: Corrections, source_sha256: str
) -> dict[str, Json]:
    """What the page shows of decisions, and how many edits the scenes have in them already.

    That is 0 if others came before those since; the page then applies all of them once more.
    """
    edits = edits_json(corrections.edits(source_sha256))
    return {
        "decisions": [one.to_json() for one in corrections.decisions],
        "edits_applied": len(applied) if edits[: len(applied)] == list(applied) else 0,
    }
