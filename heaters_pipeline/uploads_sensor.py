"""The sensor that starts a run for each source that its video's manifest was not made of.

It sees uploads by listing: a part of the sources each tick, and all of them in one round of ticks
after the other, so that a tick costs the same however many there are. Each object is looked at with
its version, so that one that was replaced is found as well, and nothing is remembered but the place
in the round: what is missed, or lost with a process, comes in the next round. Where a queue of
events of the bucket is set (``HEATERS_EVENTS_QUEUE``), those tell of uploads at once, and one round
a day is made in case an event was lost.
"""

import json
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

import dagster as dg
from dagster import DagsterRun

from heaters_pipeline import home
from heaters_pipeline.attempts import Sighting, settings_of_dead, upload_is_due, upload_was_tried
from heaters_pipeline.backfills import waiting_partitions
from heaters_pipeline.due_runs import (
    REQUESTS_PER_TICK,
    due_sightings,
    is_as_listed,
    require_sound_settings,
    run_request,
    tick_result,
)
from heaters_pipeline.intake.rejections import list_rejections
from heaters_pipeline.intake.sidecars import sidecars_by_stem, stem_of
from heaters_pipeline.intake.sources import has_video_name
from heaters_pipeline.jobs import process_videos
from heaters_pipeline.names import (
    DIED_TAG,
    PARTITION_TAG,
    PROCESS_JOB,
    SOURCE_KEY_TAG,
    SOURCE_VERSION_TAG,
    SOURCE_VIDEOS,
)
from heaters_pipeline.report.catalog_facts import LastCatalog, finished_videos
from heaters_pipeline.source_keys import noted_source_keys
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore
from heaters_pipeline.storage.records.made_of import KnownManifests, MadeOf
from heaters_pipeline.storage.records.video_manifests import records_among
from heaters_pipeline.workspace import Workspace

if TYPE_CHECKING:
    from heaters_pipeline.intake.upload_events import UploadEvents

OBJECTS_PER_TICK = 20_000
"""Sources that a tick lists, in 20 pages of 0.2 s; as many manifests are listed beside them."""
MANIFESTS_PER_TICK = 1000
"""Manifests that a tick reads, at 200 a second or more; the next round goes on with the others."""
MESSAGES_PER_TICK = 150
"""Events that a tick receives; of many videos, twice what it asks for and what it asked before."""
ROUND_WITH_EVENTS = timedelta(hours=24)
READERS = 16
_WORTH_THE_CATALOG = 100
"""If so many manifests are unknown, the table of the catalog says faster what they say."""

_known_manifests = KnownManifests()
_last_catalog = LastCatalog()


@dataclass(frozen=True, slots=True)
class Place:
    """Where the sensor is in its round through the sources: its cursor.

    Attributes:
        after: The last key that was looked at; empty between two rounds.
        begun: When the round began, or the last one if none is under way.
    """

    after: str = ""
    begun: datetime | None = None

    @classmethod
    def of(cls, cursor: str | None) -> "Place":
        """From what Dagster keeps; a new round if that is nothing, or of another version."""
        try:
            content = json.loads(cursor or "{}")
            return cls(str(content["after"]), datetime.fromisoformat(content["begun"]))
        except (ValueError, KeyError, TypeError):
            return cls()

    def is_due(self, now: datetime) -> bool:
        """Whether to list where events tell of uploads: once a day, to the end of the round."""
        return bool(self.after) or self.begun is None or now - self.begun >= ROUND_WITH_EVENTS

    def to_cursor(self) -> str:
        """The reverse."""
        return json.dumps({"after": self.after, "begun": self.begun and self.begun.isoformat()})


def new_uploads(
    listing: Iterable[ObjectInfo],
    *,
    rejected: Container[tuple[str, str]],
    now: datetime,
    settle_seconds: float,
) -> Iterator[Sighting]:
    """The source objects that can be processed, done or not.

    Args:
        listing: What lies under ``source_videos/``.
        rejected: ``(video_id, version digest)`` of what cannot be processed.
        now: The time in UTC.
        settle_seconds: How long a file must have stood still. Its age counts in both directions,
            so that a clock that was set back does not hold files up.
    """
    listed = list(listing)
    beside = sidecars_by_stem(listed)
    for found in listed:
        if not has_video_name(found.key):
            continue
        sidecars = beside.get(stem_of(found.key), [])
        ages = (abs((now - each.modified).total_seconds()) for each in (found, *sidecars))
        if min(ages) < settle_seconds:
            continue
        sighting = Sighting(keys.video_id_of(found.key), found, sidecars)
        refused = (sighting.video_id, keys.version_digest(found.version)) in rejected
        if not refused:
            yield sighting


def next_part(store: ObjectStore, after: str, *, most: int) -> tuple[list[ObjectInfo], str]:
    """The next sources of a round, never a video without what lies beside it.

    Args:
        store: Where they lie.
        after: The last key of the part before.
        most: How many to list, or some more, until all of one name are there.
    Returns:
        The objects, and the last key; an empty one at the end of the round.
    """
    listing = store.list(keys.SOURCE_PREFIX, start_after=after)
    part = list(islice(listing, most))
    if len(part) < most:
        return part, ""
    # Whatever may belong together begins alike up to the first dot, and so stands together.
    folder, slash, name = part[-1].key.rpartition("/")
    beside = f"{folder}{slash}{name.partition('.')[0]}."
    for found in listing:
        if not found.key.startswith(beside):
            return part, part[-1].key
        part.append(found)
    return part, ""


@dg.sensor(
    job=process_videos,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="An object under source_videos/ starts the run that processes it.",
)
def process_uploads(
    context: dg.SensorEvaluationContext, workspace: dg.ResourceParam[Workspace]
) -> dg.SensorResult:
    """Start a run for each source that, with its sidecars, its manifest was not made of."""
    store, instance, now = workspace.store, context.instance, datetime.now(UTC)
    place = next_place = Place.of(context.cursor)
    listed: list[ObjectInfo] = []
    events = _events(store)
    messages = events.receive(MESSAGES_PER_TICK) if events else []
    if is_listed := not events or place.is_due(now):
        listed, after = next_part(store, place.after, most=OBJECTS_PER_TICK)
        next_place = Place(after, place.begun if place.after else now)
    if events:
        told = {key for message in messages for key in message.keys}
        listed += _beside(store, sorted(told | _keys_of_dead(instance, now)))
    looked = look_at(store, instance, listed, now)
    due = looked.as_listed(store)
    taken = [sighting for sighting, _ in due]
    require_sound_settings(workspace, taken)
    requests = []
    for sighting, runs in due:
        settings, by_hand = settings_of_dead(runs)
        requests.append(
            run_request(sighting, SOURCE_VERSION_TAG, PROCESS_JOB, settings, by_hand=by_hand)
        )
    # Else the same part is looked at again, whose first runs are under way then.
    is_passed = is_listed and len(looked.due) < REQUESTS_PER_TICK
    result = tick_result(
        context,
        taken,
        requests,
        next_place.to_cursor() if is_passed else context.cursor,
    )
    if events:
        # What a run is asked for comes again, and is removed once that run is there.
        events.remove([one for one in messages if looked.open_keys.isdisjoint(one.keys)])
    return result


def _events(store: ObjectStore) -> "UploadEvents | None":
    queue_url = home.events_queue()
    if queue_url is None:
        return None
    # It takes boto3, which a store in a folder does not need.
    from heaters_pipeline.intake.upload_events import events_of

    return events_of(store.url, queue_url)


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found of some uploads.

    Attributes:
        due: Those for which runs are due, with the runs that there were.
        recorded: Their manifests and those of the others, as they were listed.
        open_keys: The keys of all, with their sidecars, that are neither done nor tried as they
            are; a run may be due for them now, or later.
    """

    due: list[tuple[Sighting, Sequence[DagsterRun]]]
    recorded: Mapping[str, ObjectInfo]
    open_keys: set[str]

    def as_listed(self, store: ObjectStore) -> list[tuple[Sighting, Sequence[DagsterRun]]]:
        """Those that are still due: no run has ended since their manifests were listed."""

        def is_same(one: tuple[Sighting, Sequence[DagsterRun]]) -> bool:
            return is_as_listed(store, one[0], self.recorded.get(one[0].video_id))

        with ThreadPoolExecutor(READERS) as pool:
            return [
                one for one, same in zip(self.due, pool.map(is_same, self.due), strict=True) if same
            ]


def look_at(
    store: ObjectStore,
    instance: dg.DagsterInstance,
    listed: Iterable[ObjectInfo],
    now: datetime,
    *,
    most: int | None = REQUESTS_PER_TICK,
) -> Looked:
    """Which uploads of a listing runs are due for.

    Args:
        store: Where they lie.
        instance: Where runs and partitions are recorded.
        listed: A part of what lies under ``source_videos/``, with what lies beside each.
        now: The time in UTC.
        most: How many due ones are wanted, and how much is read for it; None for all.
    """
    uploads = list(
        new_uploads(
            {each.key: each for each in listed}.values(),
            rejected=set(list_rejections(store)),
            now=now,
            settle_seconds=store.settle_seconds,
        )
    )
    recorded = records_among(store, [sighting.video_id for sighting in uploads])
    made_of = _made_of(store, recorded, None if most is None else MANIFESTS_PER_TICK)
    partitions = set(instance.get_dynamic_partitions(SOURCE_VIDEOS))
    waiting = waiting_partitions(instance, PROCESS_JOB)
    settled: set[str] = set()

    def is_open(sighting: Sighting) -> bool:
        known = made_of.get(sighting.video_id)
        if sighting.video_id in waiting:
            return False
        is_done = known is not None and known.finished and sighting.is_recorded(known)
        return not is_done or sighting.video_id not in partitions

    def is_due(sighting: Sighting, runs: Sequence[DagsterRun]) -> bool:
        video_id = sighting.video_id
        known = made_of.get(video_id)
        due = upload_is_due(sighting, known, runs, is_partition=video_id in partitions)
        if not due and upload_was_tried(sighting, runs):
            settled.add(video_id)
        return due

    still_open = [sighting for sighting in uploads if is_open(sighting)]
    # The manifests of the others are read in a later tick.
    told = [one for one in still_open if one.video_id in made_of or one.video_id not in recorded]
    due = list(islice(due_sightings(instance, told, is_due), most))
    return Looked(
        due,
        recorded,
        {
            found.key
            for sighting in still_open
            if sighting.video_id not in settled
            for found in (sighting.found, *sighting.sidecars)
        },
    )


def _made_of(
    store: ObjectStore, recorded: Mapping[str, ObjectInfo], most: int | None
) -> dict[str, MadeOf]:
    """What manifests say of their sources, by the catalog if that saves reading many of them."""
    unknown = _known_manifests.unknown(store, recorded)
    if len(unknown) > _WORTH_THE_CATALOG and _last_catalog.is_another(store):
        told = {
            video_id: (row.manifest_version, MadeOf(row.source_version, True, row.sidecars))
            for video_id, row in finished_videos(store).items()
        }
        _known_manifests.learn(store, told)
    return _known_manifests.update(
        store, recorded, recorded, most=len(recorded) if most is None else most
    )


def _beside(store: ObjectStore, wanted: Iterable[str]) -> list[ObjectInfo]:
    """The objects of these keys that are there, with what lies beside them."""
    prefixes = {keys.beside_prefix(key) for key in wanted} - {None}

    def listed(prefix: str | None) -> list[ObjectInfo]:
        return list(islice(store.list(prefix or ""), OBJECTS_PER_TICK))

    with ThreadPoolExecutor(READERS) as pool:
        return [found for some in pool.map(listed, prefixes) for found in some]


def _keys_of_dead(instance: dg.DagsterInstance, now: datetime) -> set[str]:
    """The sources of runs whose process died lately, of which no event tells again."""
    died = dg.RunsFilter(
        job_name=PROCESS_JOB,
        tags={DIED_TAG: "true"},
        statuses=[dg.DagsterRunStatus.FAILURE],
        updated_after=now - timedelta(hours=1),
    )
    runs = instance.get_runs(died, limit=REQUESTS_PER_TICK)
    video_ids = {run.tags[PARTITION_TAG] for run in runs if PARTITION_TAG in run.tags}
    told = {key for run in runs if (key := run.tags.get(SOURCE_KEY_TAG))}
    guessed = {key for each in video_ids if (key := keys.guess_source_key(each))}
    return told | guessed | set(noted_source_keys(instance, video_ids).values())
