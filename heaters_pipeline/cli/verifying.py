"""``heaters verify``: is everything there that the records name, and is it what they say?"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from heaters_pipeline.assets.stored_objects import AllVideos, NamedVideos
from heaters_pipeline.assets.verification import StageCount, Verifier, VideoFacts
from heaters_pipeline.cli.instance import dagster_instance
from heaters_pipeline.errors import HeatersError, SettingsError
from heaters_pipeline.repairs import fault_lines, repair_video, verify_video
from heaters_pipeline.resources import Workspace, open_workspace

COUNTS = ("valid", "missing", "damaged", "stale", "unread")


def verify_videos(
    videos: Sequence[Sequence[str]] | None,
    *,
    deep: bool,
    repair: bool,
    on_video: Callable[[Mapping[str, Any]], None],
) -> dict[str, Any]:
    """Look at videos and, if asked to, make again what is wrong.

    Args:
        videos: Which, each with the ids that may be meant; None for all.
        deep: Whether contents are read.
        repair: Whether faults are mended.
        on_video: Given the document of each video.
    Returns:
        What ``heaters verify --json`` says.
    Raises:
        SettingsError: A named video has no record.
        StoreError: The store cannot be read.
    """
    workspace = open_workspace()
    video_ids = None if videos is None else [_recorded(workspace, ids) for ids in videos]
    totals = {"videos": 0, "unfinished": 0, "faulty": 0, **dict.fromkeys(COUNTS, 0)}
    documents = []
    for facts in _looked_at(workspace, video_ids, deep):
        document = _repaired(facts, deep) if repair and facts.faults else _document(facts)
        totals["videos"] += 1
        totals["unfinished"] += not facts.finished
        totals["faulty"] += bool(document["faults"])
        for counts in document["stages"].values():
            for name in COUNTS:
                totals[name] += counts[name]
        on_video(document)
        # Of a hundred thousand that are well, the totals tell enough.
        if video_ids is not None or document["faults"] or document["repaired"] is not None:
            documents.append(document)
    requests = dict(sorted(workspace.store.requests.items()))
    return {"totals": totals, "store_requests": requests, "videos": documents}


def _looked_at(
    workspace: Workspace, video_ids: Sequence[str] | None, deep: bool
) -> Iterator[VideoFacts]:
    store = workspace.store
    videos = AllVideos(store) if video_ids is None else NamedVideos(store, video_ids)
    with workspace.scratch() as folder:
        for facts in Verifier(store, videos, deep=deep, folder=folder).look():
            if video_ids is not None and not facts.manifests and not facts.faults:
                raise SettingsError(
                    f"there is no record of a video {facts.video_id}; heaters status lists all"
                )
            yield facts


def _recorded(workspace: Workspace, video_ids: Sequence[str]) -> str:
    """The first of several ids that a video was registered with, else the first."""
    return next(
        (each for each in video_ids if workspace.manifest("source_videos", each) is not None),
        video_ids[0],
    )


def _repaired(facts: VideoFacts, deep: bool) -> dict[str, Any]:
    found = list(fault_lines(facts.faults))
    with closing(open_workspace()) as workspace, dagster_instance() as instance:
        try:
            run = repair_video(instance, workspace, facts)
        except HeatersError as error:
            return {**_document(facts), "error": str(error)}
    if run is None:
        return {**_document(facts), "error": "it cannot be repaired without its source"}
    after = _document(verify_video(open_workspace(), facts.video_id, deep=deep))
    made = {stage: int(facts["made"]) for stage, facts in run.stages.items() if facts.get("made")}
    repaired = {"found": found, "made": made}
    return {**after, "repaired": repaired, "error": run.error}


def _document(facts: VideoFacts) -> dict[str, Any]:
    return {
        "video_id": facts.video_id,
        "finished": facts.finished,
        "stages": {stage: _counts(count) for stage, count in facts.stages.items()},
        "faults": [
            {"stage": fault.stage, "key": fault.key, "kind": fault.kind, "message": fault.message}
            for fault in facts.faults
        ],
        "repaired": None,
        "error": None,
    }


def _counts(count: StageCount) -> dict[str, int]:
    return {name: getattr(count, name) for name in COUNTS}


def video_lines(document: Mapping[str, Any]) -> list[str]:
    """What a person reads of a video: nothing if it is well."""
    lines = []
    if document["repaired"] is not None:
        found, made = document["repaired"]["found"], document["repaired"]["made"]
        lines += [f"  {line}" for line in found]
        again = ", ".join(f"{count} {stage}" for stage, count in made.items()) or "nothing"
        lines.insert(0, f"{document['video_id']}: repaired, made {again}:")
    if document["faults"]:
        lines.append(f"{document['video_id']}: {len(document['faults'])} faults")
        lines += [f"  {fault['message']}" for fault in document["faults"]]
    if document["error"]:
        lines.append(f"  {document['error']}")
    return lines


def summary_lines(document: Mapping[str, Any], *, deep: bool) -> list[str]:
    """What a person reads of all videos."""
    totals = document["totals"]
    requests = sum(document["store_requests"].values())
    lines = [
        f"{totals['videos']} videos, {totals['unfinished']} of them unfinished; objects: "
        f"{totals['valid']} valid, {totals['missing']} missing, {totals['damaged']} damaged, "
        f"{totals['stale']} stale; {requests} requests"
    ]
    if totals["stale"]:
        lines.append("heaters prune shows what is stale")
    if deep and totals["unread"]:
        lines.append(
            f"{totals['unread']} objects were made by a version that recorded no digests; their "
            "sizes are right"
        )
    if totals["faulty"]:
        lines.append(f"faulty videos: {totals['faulty']}; heaters verify --repair mends them")
    return lines
