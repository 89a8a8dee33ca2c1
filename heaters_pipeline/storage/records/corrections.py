"""What people decided of the scenes and clips of a video: corrections, approvals and tags.

One object a video. It is a person's work: nothing of it is dropped because it no longer applies,
and it is only ever written with a condition on the version that was read, so that of two who write
at once none loses what the other decided.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from heaters_pipeline.errors import ManifestError, ObjectChangedError, ObjectNotFoundError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore
from heaters_pipeline.storage.records.json_records import damaged, read_limited
from heaters_pipeline.storage.records.manifests import (
    JSON_CONTENT_TYPE,
    Json,
    canonical_json,
    parse_record,
)

FORMAT = "heaters_pipeline/corrections"
FORMAT_VERSION = 1

MOST_BYTES = 128 * 2**20
MOST_DECISIONS = 100_000
MOST_TAGS = 50
_LONGEST = {"by": 100, "why": 1000, "tag": 50}
_TRIES = 5
"""Each one that loses against another writer reads again, and adds to what that one wrote."""

Kind = Literal["split", "merge", "move", "approve", "reject", "tag", "wait"]
Review = Literal["approved", "rejected", "waiting"]

EDITS: tuple[Kind, ...] = ("split", "merge", "move")
"""The kinds that change scenes; the others say something of a clip."""
_STATES: dict[str, Review] = {"approve": "approved", "reject": "rejected", "wait": "waiting"}


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided once.

    Attributes:
        id: 32 hex digits, made by whoever decides.
        kind: What was decided.
        source_sha256: The version of the source that the person saw.
        by: Who.
        at: When, in UTC.
        why: In the person's words, may be empty.
        frame: Of an edit: the first frame of the scene behind the cut. None for the others.
        to: Of a move: where that is to be.
        span: Of the others: start and end frame of the clip.
        tags: Of a tag: all that the clip is to have.
    """

    id: str
    kind: Kind
    source_sha256: str
    by: str
    at: datetime
    why: str = ""
    frame: int | None = None
    to: int | None = None
    span: tuple[int, int] | None = None
    tags: tuple[str, ...] = ()

    @property
    def is_edit(self) -> bool:
        """Whether it changes scenes."""
        return self.kind in EDITS

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "Decision":
        """Read one.

        Raises:
            ValueError: It says what is missing, or not as it should be.
        """
        if not isinstance(row, Mapping):
            raise ValueError(f"a decision is an object, got {row!r:.60}")
        kind: Any = row.get("kind")
        if kind not in get_args(Kind):
            raise ValueError(f"kind is one of {', '.join(get_args(Kind))}, got {kind!r:.60}")
        is_edit = kind in EDITS
        return cls(
            id=_hex(row, "id", 32),
            kind=kind,
            source_sha256=_hex(row, "source_sha256", 64),
            by=_text(row.get("by", ""), "by"),
            at=_time(row.get("at")),
            why=_text(row.get("why", ""), "why"),
            frame=_frame(row, "frame") if is_edit else None,
            to=_frame(row, "to") if kind == "move" else None,
            span=None if is_edit else _span(row),
            tags=_tags(row.get("tags")) if kind == "tag" else (),
        )

    def to_json(self) -> dict[str, Json]:
        """The reverse."""
        about: dict[str, Json] = {}
        if self.span is not None:
            about = {"start_frame": self.span[0], "end_frame": self.span[1]}
        elif self.frame is not None:
            about = (
                {"frame": self.frame} if self.to is None else {"frame": self.frame, "to": self.to}
            )
        if self.kind == "tag":
            about["tags"] = list(self.tags)
        return {
            "id": self.id,
            "kind": self.kind,
            **about,
            "source_sha256": self.source_sha256,
            "by": self.by,
            "at": self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "why": self.why,
        }


@dataclass(frozen=True, slots=True)
class Mark:
    """What people said of a clip.

    Attributes:
        review: ``waiting`` as long as nobody approved or rejected it.
        tags: In the order in which they were given.
    """

    review: Review = "waiting"
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Corrections:
    """All that people decided of a video.

    Attributes:
        video_id: The partition.
        decisions: In the order in which they were taken.
    """

    video_id: str
    decisions: tuple[Decision, ...] = ()

    def of_source(self, source_sha256: str) -> list[Decision]:
        """Those that people took of a version of the source, in order."""
        return [one for one in self.decisions if one.source_sha256 == source_sha256]

    def edits(self, source_sha256: str) -> list[Decision]:
        """Those of them that change scenes."""
        return [one for one in self.of_source(source_sha256) if one.is_edit]

    def marks(self, source_sha256: str) -> dict[tuple[int, int], Mark]:
        """What they say of clips, by span; the latest word on a clip counts."""
        states: dict[tuple[int, int], Review] = {}
        tags: dict[tuple[int, int], tuple[str, ...]] = {}
        for one in self.of_source(source_sha256):
            if one.span is not None and one.kind == "tag":
                tags[one.span] = one.tags
            elif one.span is not None:
                states[one.span] = _STATES[one.kind]
        return {
            span: Mark(states.get(span, "waiting"), tags.get(span, ())) for span in states | tags
        }

    def with_decisions(self, others: Iterable[Decision]) -> "Corrections":
        """The union with what another has, in the order of time.

        Where nothing is new the order stays as it is. Of two with one id, the own one counts.
        """
        known = {one.id for one in self.decisions}
        fresh = {one.id: one for one in others if one.id not in known}
        if not fresh:
            return self
        union = sorted((*self.decisions, *fresh.values()), key=lambda one: (one.at, one.id))
        return Corrections(self.video_id, tuple(union))

    def to_bytes(self) -> bytes:
        """The file: canonical JSON with a final newline."""
        content: dict[str, Json] = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "video_id": self.video_id,
            "decisions": [one.to_json() for one in self.decisions],
        }
        return canonical_json(content) + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> "Corrections":
        """Read a file.

        Args:
            data: Its content.
            name: Its key, or what a person calls it, for messages.
        Raises:
            ManifestError: It is damaged, or newer than this program. Says which decision is wrong.
        """
        content = parse_record(data, name, FORMAT, FORMAT_VERSION)
        video_id, rows = content.get("video_id"), content.get("decisions")
        if not isinstance(video_id, str) or not keys.is_video_id(video_id):
            raise damaged(name, f"{video_id!r:.60} is no id of a video")
        if not isinstance(rows, list) or len(rows) > MOST_DECISIONS:
            raise damaged(name, f"decisions must be a list of at most {MOST_DECISIONS:,}")
        decisions: dict[str, Decision] = {}
        for number, row in enumerate(rows, 1):
            try:
                one = Decision.from_json(row)
            except ValueError as error:
                raise damaged(name, f"decision {number}: {error}") from error
            if one.id in decisions:
                raise damaged(name, f"decision {number}: its id {one.id} is there twice")
            decisions[one.id] = one
        return cls(video_id, tuple(decisions.values()))


@dataclass(frozen=True, slots=True)
class StoredCorrections:
    """The corrections of a video as they lie in the store.

    Attributes:
        corrections: All that there are; without decisions if there is no such object.
        found: The version of the object that was read; None if there is none.
    """

    corrections: Corrections
    found: ObjectInfo | None


def edits_json(edits: Iterable[Decision]) -> list[Json]:
    """What of edits decides scenes: a short list each, since there may be very many."""
    return [[one.kind, one.frame, *([] if one.to is None else [one.to])] for one in edits]


def read_corrections(store: ObjectStore, video_id: str) -> Corrections:
    """What people decided of a video, by one GET; nothing if there is no such object.

    Raises:
        ManifestError: It cannot be read, or is that of another video.
    """
    key = keys.correction_key(video_id)
    try:
        data = read_limited(store, key, max_bytes=MOST_BYTES)
    except ObjectNotFoundError:
        return Corrections(video_id)
    corrections = Corrections.from_bytes(data, key)
    if corrections.video_id != video_id:
        raise damaged(key, f"it is that of {corrections.video_id}")
    return corrections


def look_at_corrections(store: ObjectStore, video_id: str) -> StoredCorrections:
    """The same with the version that ``replace_corrections`` is to replace.

    The version is asked for first: if another writes in between, replacing is refused.
    """
    found = store.head(keys.correction_key(video_id))
    return StoredCorrections(
        Corrections(video_id) if found is None else read_corrections(store, video_id), found
    )


def replace_corrections(
    store: ObjectStore, corrections: Corrections, expected: ObjectInfo | None
) -> ObjectInfo:
    """Write the corrections of a video in place of the version that was seen.

    Raises:
        ObjectChangedError: Another wrote them meanwhile: read them again.
        ManifestError: They are more than a store takes.
    """
    key = keys.correction_key(corrections.video_id)
    data = corrections.to_bytes()
    if len(corrections.decisions) > MOST_DECISIONS or len(data) > MOST_BYTES:
        raise ManifestError(
            f"{key} would have more than {MOST_DECISIONS:,} decisions, or {MOST_BYTES} bytes; take "
            "out of it what is no longer wanted"
        )
    return store.replace_bytes(key, data, content_type=JSON_CONTENT_TYPE, expected=expected)


def add_decisions(
    store: ObjectStore, video_id: str, decisions: Sequence[Decision]
) -> tuple[Corrections, list[Decision]]:
    """Add decisions to those of a video, whoever else writes there.

    Returns:
        All that there are then, and those that were new.
    Raises:
        ObjectChangedError: Others wrote all the time.
    """
    for tries_left in reversed(range(_TRIES)):
        seen = look_at_corrections(store, video_id)
        union = seen.corrections.with_decisions(decisions)
        known = {one.id for one in seen.corrections.decisions}
        fresh = [one for one in union.decisions if one.id not in known]
        if not fresh:
            break
        try:
            replace_corrections(store, union, seen.found)
            break
        except ObjectChangedError:
            if not tries_left:
                raise
    return union, fresh


def _text(value: Any, name: str) -> str:
    longest = _LONGEST[name]
    if not isinstance(value, str) or len(value) > longest:
        raise ValueError(f"{name} is a text of at most {longest} characters, got {value!r:.60}")
    if any("\ud800" <= each <= "\udfff" for each in value):
        raise ValueError(f"{name} holds half a character, got {value!r:.60}")
    return value


def _hex(row: Mapping[str, Any], name: str, digits: int) -> str:
    value = row.get(name)
    if (
        not isinstance(value, str)
        or len(value) != digits
        or not set(value) <= set("0123456789abcdef")
    ):
        raise ValueError(f"{name} is {digits} hex digits in lower case, got {value!r:.80}")
    return value


def _time(value: Any) -> datetime:
    try:
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            raise ValueError("no time zone")
        return at.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(
            f"at is a time with its zone, such as 2026-11-30T10:00:00Z, got {value!r:.60}"
        ) from None


def _frame(row: Mapping[str, Any], name: str) -> int:
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{name} is a whole frame from 0 on, got {value!r:.60}")
    return value


def _span(row: Mapping[str, Any]) -> tuple[int, int]:
    start, end = _frame(row, "start_frame"), _frame(row, "end_frame")
    if start >= end:
        raise ValueError(f"start_frame must be below end_frame, got {start} and {end}")
    return start, end


def _tags(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MOST_TAGS:
        raise ValueError(f"tags are a list of at most {MOST_TAGS}, got {value!r:.60}")
    if "" in value:
        raise ValueError("a tag has at least one character")
    return tuple(dict.fromkeys(_text(one, "tag") for one in value))
