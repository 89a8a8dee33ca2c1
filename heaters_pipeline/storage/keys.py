"""Every key of the store is spelled here. Pure.

Keys are functions of identity and settings, never of the clock, a title or a counter.
``docs/formats.md`` shows the whole layout.
"""

import hashlib
import re
from pathlib import PurePosixPath

SOURCE_PREFIX = "source_videos/"
SUBMISSION_PREFIX = "submissions/"
LINK_PREFIX = "links/"
REJECTION_PREFIX = "rejections/"
MANIFEST_PREFIX = "manifests/"
CLAIM_PREFIX = "claims/"
CORRECTION_PREFIX = "corrections/"
CUTS_PREFIX = "cuts/"
SETTINGS = "settings.yaml"
CATALOG_VIDEOS = "catalog/videos.parquet"
CATALOG_CLIPS = "catalog/clips.parquet"
CATALOG_RECORD = "catalog/catalog.json"
CATALOG_PREFIX = "catalog/"
CATALOG_CHANGE_PREFIX = "catalog/changes/"
CATALOG_CLAIM = "_catalog"
"""Whom claims on the catalog are named for; no video has such a name."""
DATASET_PREFIX = "exports/_datasets/"
"""No video is called so, whose own exports lie beside it."""
UNNAMED_OBJECTS = "prune/unnamed.parquet"
REVIEW_INDEX = "review_pages/index.html"
"""The page of all videos; no video has such a folder."""

_DIGEST = "[0-9a-f]{16}"
_PRODUCTS = {
    "frame_scores": re.compile(rf"{_DIGEST}-(fast|full)\.parquet"),
    # Older versions put up notices among the clips, which killed runs left there.
    "clips": re.compile(rf"\d{{8,}}-\d{{8,}}-{_DIGEST}\.(mp4|mov)|changing-[0-9a-f]+\.json"),
    "sprite_sheets": re.compile(rf"\d{{8,}}-\d{{8,}}-{_DIGEST}(-\d{{3,}}\.(jpg|webp)|\.json)"),
    "keyframes": re.compile(
        rf"\d{{8,}}-\d{{8,}}-{_DIGEST}-(\d{{2,}}|sharpest)(-thumbnail)?\.(jpg|webp)"
    ),
    "storyboards": re.compile(rf"{_DIGEST}(-\d{{3,}}\.(jpg|webp)|\.(bif|m3u8|json|vtt))"),
    "exports": re.compile(rf"{_DIGEST}\.[a-z0-9]{{1,10}}(\.[a-z0-9]{{1,10}})?"),
    "review_pages": re.compile(rf"{_DIGEST}\.html"),
    "reports": re.compile(rf"[a-z_]+-{_DIGEST}(-full)?\.(png|jpg)"),
    "claims": re.compile(r"[0-9a-f]{32}\.json"),
}
"""The names of what the pipeline makes; anything else in its folders is somebody's own."""
PRODUCT_FOLDERS = tuple(_PRODUCTS)
"""Where everything lies that runs make of a video and may make again, by folder and video."""
_CHANGE = re.compile(rf"{CATALOG_CHANGE_PREFIX}([^/]+)-({_DIGEST})-[0-9a-f]+\.json")
_CLEAN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(\.[A-Za-z0-9]{1,8})?")
_DIGESTED = re.compile(r"[A-Za-z0-9_-]{1,60}\.[A-Za-z0-9_-]{1,8}\.[0-9a-f]{16}")
_DATASET = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_PARTIAL_SUFFIXES = (".part", ".partial", ".tmp", ".crdownload", ".download", ".filepart")


def video_id_of(source_key: str) -> str:
    """The partition key of a source video: safe, deterministic, different for different keys.

    A clean name stays as it is: ``source_videos/holiday.mp4`` is ``holiday`` and
    ``source_videos/holiday.mov`` is ``holiday.mov``. Everything else becomes readable letters and
    a digest of the whole path, ``trip-day_1.mp4.5f2a…``. The three forms hold no dot, one dot and
    two dots, so they never meet.

    Raises:
        ValueError: The key does not lie under ``source_videos/``.
    """
    if not source_key.startswith(SOURCE_PREFIX) or source_key == SOURCE_PREFIX:
        raise ValueError(f"{source_key!r} is not a key under {SOURCE_PREFIX}")
    path = source_key.removeprefix(SOURCE_PREFIX)
    clean = _CLEAN.fullmatch(path)
    if clean and clean.group(1):
        return path.removesuffix(".mp4")
    suffix = PurePosixPath(path).suffix
    extension = _UNSAFE.sub("", suffix)[:8] or "none"
    stem = path.removesuffix(suffix)
    readable = _UNSAFE.sub("-", stem).strip("-_")[:60] or "video"
    digest = hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return f"{readable}.{extension}.{digest}"


def guess_source_key(video_id: str) -> str | None:
    """The one source key that a clean ``video_id`` can come from; None if it was digested."""
    if video_id.count(".") > 1:
        return None
    name = video_id if "." in video_id else f"{video_id}.mp4"
    key = f"{SOURCE_PREFIX}{name}"
    return key if video_id_of(key) == video_id else None


def is_video_id(text: str) -> bool:
    """Whether a text is one that ``video_id_of`` gives."""
    return guess_source_key(text) is not None or _DIGESTED.fullmatch(text) is not None


def is_video_upload(source_key: str) -> bool:
    """Whether a key under ``source_videos/`` is meant as a video.

    Folder markers, hidden files and the usual names of unfinished copies are not.
    """
    path = source_key.removeprefix(SOURCE_PREFIX)
    if not path or path.endswith("/") or path.lower().endswith(_PARTIAL_SUFFIXES):
        return False
    return not any(part.startswith(".") for part in path.split("/"))


def beside_prefix(source_key: str) -> str | None:
    """Where a source lies with all that has its stem; None for one without an extension."""
    suffix = PurePosixPath(source_key).suffix
    return f"{source_key.removesuffix(suffix)}." if suffix else None


def source_key_for_name(name: str) -> str:
    """The key under which a file of this name is stored."""
    return f"{SOURCE_PREFIX}{name}"


def manifest_key(stage: str, video_id: str) -> str:
    """The stable key of a record that a stage has to itself."""
    return f"{MANIFEST_PREFIX}{stage}/{video_id}.json"


def video_manifest_key(video_id: str) -> str:
    """The key of the manifest of a video, which holds the records of all of its stages."""
    return manifest_key("videos", video_id)


def claim_prefix(video_id: str) -> str:
    """Where the claims of runs on a video lie."""
    return f"{CLAIM_PREFIX}{video_id}/"


def claim_key(video_id: str, token: str) -> str:
    """The key of a run's claim on a video while it works."""
    return f"{claim_prefix(video_id)}{token}.json"


def is_product(key: str) -> bool:
    """Whether a key is one that the pipeline gives to what it makes, and none of anyone else's."""
    folder, _, rest = key.partition("/")
    _, _, name = rest.partition("/")
    pattern = _PRODUCTS.get(folder)
    return pattern is not None and pattern.fullmatch(name) is not None


def catalog_change_key(video_id: str, digest: str, token: str) -> str:
    """The key of a note that a video's manifest is about to be what the digest stands for."""
    return f"{CATALOG_CHANGE_PREFIX}{video_id}-{digest}-{token}.json"


def catalog_change(key: str) -> tuple[str, str] | None:
    """The video and the digest that such a note names; None if the key is none of a note."""
    found = _CHANGE.fullmatch(key)
    return (found.group(1), found.group(2)) if found else None


def submission_key(video_id: str) -> str:
    """The key of a request to bring a video in."""
    return f"{SUBMISSION_PREFIX}{video_id}.json"


def submission_video_id(key: str) -> str | None:
    """The partition of a submission; None if the key is none of a submission.

    Anyone may put anything there. A name that is no partition gets one of its own, under which its
    rejection is recorded.
    """
    name = key.removeprefix(SUBMISSION_PREFIX)
    if not key.startswith(SUBMISSION_PREFIX) or not name.endswith(".json") or "/" in name:
        return None
    video_id = name.removesuffix(".json")
    return video_id if is_video_id(video_id) else video_id_of(f"{SOURCE_PREFIX}{key}")


def link_key(video_id: str) -> str:
    """The key of the whole link of a submission, as long as it is still to be downloaded."""
    return f"{LINK_PREFIX}{video_id}.json"


def correction_key(video_id: str) -> str:
    """The key of what people decided of the scenes and clips of a video."""
    return f"{CORRECTION_PREFIX}{video_id}.json"


def corrected_video(key: str) -> str | None:
    """The partition whose corrections a key is for; None if it is none of theirs."""
    video_id = key.removeprefix(CORRECTION_PREFIX).removesuffix(".json")
    is_one = key == correction_key(video_id) and is_video_id(video_id)
    return video_id if is_one else None


def cuts_prefix(video_id: str) -> str:
    """Where the file lies that says where a video is cut, in place of detection."""
    return f"{CUTS_PREFIX}{video_id}."


def cuts_key(video_id: str, extension: str) -> str:
    """The key of such a file; its extension says of which kind it is."""
    return f"{cuts_prefix(video_id)}{extension}"


def is_cuts_of(key: str, video_id: str) -> bool:
    """Whether a key is one of these; another video may have this one's id before a dot."""
    prefix = cuts_prefix(video_id)
    return key.startswith(prefix) and "." not in key.removeprefix(prefix)


def rejection_prefix(video_id: str) -> str:
    """Where the rejections of a video's versions lie."""
    return f"{REJECTION_PREFIX}{video_id}/"


def rejection_key(video_id: str, version: str) -> str:
    """The key of the record that one version of a source object was refused.

    The version is part of the key so that one LIST tells which objects not to try again.
    """
    return f"{rejection_prefix(video_id)}{version_digest(version)}.json"


def version_digest(version: str) -> str:
    """A short name, safe in keys and tags, for a version of an object."""
    return hashlib.sha256(version.encode()).hexdigest()[:16]


def frame_scores_key(video_id: str, digest: str, scan: str) -> str:
    """A score track of a video; the digest covers source and settings."""
    return f"{objects_prefix('frame_scores', video_id)}{digest[:16]}-{scan}.parquet"


def clip_key(
    video_id: str, start_frame: int, end_frame: int, digest: str, extension: str = "mp4"
) -> str:
    """A clip; the digest covers source, exact span, encode settings and format version."""
    return f"{_stem('clips', video_id, start_frame, end_frame, digest)}.{extension}"


def sprite_sheet_key(
    video_id: str, start_frame: int, end_frame: int, digest: str, page: int, extension: str = "jpg"
) -> str:
    """One page of a clip's sprite sheets, counted from 0."""
    stem = _stem("sprite_sheets", video_id, start_frame, end_frame, digest)
    return f"{stem}-{page:03d}.{extension}"


def sprite_index_key(video_id: str, start_frame: int, end_frame: int, digest: str) -> str:
    """The JSON beside a clip's sprite sheets."""
    return f"{_stem('sprite_sheets', video_id, start_frame, end_frame, digest)}.json"


def keyframe_key(
    video_id: str,
    start_frame: int,
    end_frame: int,
    digest: str,
    name: str,
    extension: str = "jpg",
) -> str:
    """A representative picture of a clip, named by its position in percent or how it was chosen."""
    stem = _stem("keyframes", video_id, start_frame, end_frame, digest)
    return f"{stem}-{name}.{extension}"


def thumbnail_key(keyframe: str) -> str:
    """The small picture beside a key frame."""
    stem, _, extension = keyframe.rpartition(".")
    return f"{stem}-thumbnail.{extension}"


def storyboard_key(video_id: str, digest: str, name: str) -> str:
    """One file of a video's storyboard; the digest covers source, settings and format version.

    Args:
        video_id: The partition.
        digest: Of what it is made of.
        name: What follows in its name: ``-000.jpg`` onwards for sheets, else an extension.
    """
    return f"{objects_prefix('storyboards', video_id)}{digest[:16]}{name}"


def export_key(video_id: str, digest: str, extension: str) -> str:
    """A video's scenes as a file for other programs; the digest is that of its content."""
    return f"{objects_prefix('exports', video_id)}{digest[:16]}.{extension}"


def dataset_prefix(name: str) -> str:
    """Where the files of a data set lie; what they are called is up to its format.

    Raises:
        ValueError: It is no name of a data set.
    """
    if not is_dataset(name):
        raise ValueError(f"{name!r} is no name of a data set")
    return f"{DATASET_PREFIX}{name}/"


def is_dataset(name: str) -> bool:
    """Whether a data set can have this name."""
    return _DATASET.fullmatch(name) is not None


def dataset_claim(name: str) -> str:
    """Whom claims on a data set are named for; no video has such a name."""
    return f"_dataset-{name}"


def report_key(video_id: str, stage: str, fingerprint: str, extension: str) -> str:
    """A small picture of a stage's result, shown in the Dagster UI."""
    return f"{objects_prefix('reports', video_id)}{stage}-{fingerprint[:16]}.{extension}"


def full_report_key(video_id: str, stage: str, fingerprint: str, extension: str) -> str:
    """The large picture of a stage's result, for those who want to see more."""
    return f"{objects_prefix('reports', video_id)}{stage}-{fingerprint[:16]}-full.{extension}"


def review_page_key(video_id: str, fingerprint: str) -> str:
    """The page on which a person reviews a video's clips."""
    return f"{objects_prefix('review_pages', video_id)}{fingerprint[:16]}.html"


def review_page_video(key: str) -> str | None:
    """The video whose review page lies under a key, or None if none does."""
    _, _, rest = key.partition("/")
    video_id, _, name = rest.partition("/")
    is_page = is_video_id(video_id) and _PRODUCTS["review_pages"].fullmatch(name) is not None
    return video_id if is_page and key == f"review_pages/{rest}" else None


def review_decoder_key(digest: str, name: str) -> str:
    """The script that review pages decode frames with; all of them use the same."""
    return f"review_pages/_assets/{digest[:16]}/{name}"


def objects_prefix(stage: str, video_id: str) -> str:
    """Where the objects of one stage of one video lie."""
    return f"{stage}/{video_id}/"


def _stem(stage: str, video_id: str, start_frame: int, end_frame: int, digest: str) -> str:
    return f"{objects_prefix(stage, video_id)}{start_frame:08d}-{end_frame:08d}-{digest[:16]}"
