"""What a user typed, and under which key the video that it names is stored.

Keys are pure functions of a file's name or of a link. The last part of a name stays readable; where
it cannot stay as it is, a digest keeps different names apart.
"""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from heaters_pipeline.errors import SettingsError, printable
from heaters_pipeline.storage import keys

CONTENT_TYPES = {
    "3gp": "video/3gpp",
    "asf": "video/x-ms-asf",
    "avi": "video/x-msvideo",
    "flv": "video/x-flv",
    "gif": "image/gif",
    "m2ts": "video/mp2t",
    "m4v": "video/mp4",
    "mkv": "video/x-matroska",
    "mov": "video/quicktime",
    "mp4": "video/mp4",
    "mpeg": "video/mpeg",
    "mpg": "video/mpeg",
    "mts": "video/mp2t",
    "mxf": "application/mxf",
    "ogg": "video/ogg",
    "ogv": "video/ogg",
    "ts": "video/mp2t",
    "webm": "video/webm",
    "wmv": "video/x-ms-wmv",
}
"""MIME types by file name extension, of the containers that are accepted."""

_OTHER_EXTENSIONS = (
    "264 265 3g2 amv av1 divx dv f4v h264 h265 hevc ivf m1v m2p m2t m2v mjpeg mjpg mk3d mod mpe "
    "mpv nsv nut ogm qt rm rmvb roq tod tp trp vob vro wtv y4m"
)
VIDEO_EXTENSIONS = frozenset({*CONTENT_TYPES, *_OTHER_EXTENSIONS.split()})
"""By which a file is a video by name: those of containers and of streams that FFmpeg reads."""

ACCEPTED = (
    "give a file, a link (http://, https://, s3://bucket/key), a key in the store "
    "(source_videos/holiday.mp4) or the id of a video that is there (holiday)"
)

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):/|(https?|s3):", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?:[^/]*@)?([^/@:\[\]]*(?::\d*)?|\[[^/@\]]*\](?::\d*)?)(/.*)?", re.DOTALL)
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_BUCKET = re.compile(r"[A-Za-z0-9._-]+")
_READABLE_LENGTH = 60
_HIDDEN = "…"


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file of this machine; whether it exists is found out when it is read.

    Attributes:
        path: Absolute, its folder without symbolic links, so that one file has one spelling.
    """

    path: Path

    @property
    def source_key(self) -> str:
        """The key that the file gets unless another file has it."""
        name = self.path.name
        key = keys.source_key_for_name(name)
        if keys.guess_source_key(keys.video_id_of(key)) == key and keys.is_video_upload(key):
            return key
        return keys.source_key_for_name(_safe_name(name, _digest(name, 8)))

    @property
    def source_key_apart(self) -> str:
        """The key that the file gets where another file of the same name lies in the store."""
        name = PurePosixPath(self.source_key)
        return f"{name.with_suffix('')}-{_digest(str(self.path), 8)}{name.suffix}"

    @property
    def origin(self) -> str:
        """Where the video comes from, as it is recorded."""
        return str(self.path)


@dataclass(frozen=True, slots=True)
class HttpLink:
    """A video file behind ``http`` or ``https``.

    Attributes:
        url: As it was given; it may hold credentials.
    """

    url: str

    @property
    def source_key(self) -> str:
        """The key that the video gets."""
        return _link_key(self.url, unquote(urlsplit(self.url).path))

    @property
    def origin(self) -> str:
        """The link without what may be secret."""
        return shown_url(self.url)

    @property
    def is_shortened(self) -> bool:
        """Whether it is what was shown of a link, and so cannot be followed."""
        return self.url.endswith(f"?{_HIDDEN}")


@dataclass(frozen=True, slots=True)
class S3Link:
    """A video file in a bucket.

    Attributes:
        bucket: Name of the bucket.
        key: The whole key in it.
    """

    bucket: str
    key: str

    @property
    def url(self) -> str:
        """As users write it."""
        return f"s3://{self.bucket}/{self.key}"

    @property
    def source_key(self) -> str:
        """The key that the video gets."""
        return _link_key(self.url, self.key)

    @property
    def origin(self) -> str:
        """Where the video comes from, as it is recorded."""
        return self.url


@dataclass(frozen=True, slots=True)
class StoreKey:
    """A video that should lie in the store already.

    Attributes:
        video_id: Its partition.
        source_key: Its key; None where the id does not tell.
    """

    video_id: str
    source_key: str | None


def classify(text: str) -> LocalFile | HttpLink | S3Link | StoreKey:
    """Tell what a user means.

    What exists as a file here is that file. Otherwise a bare word without the suffix ``.mp4`` is
    the id of a video in the store, and everything else that is no link and no key is a file.

    Raises:
        SettingsError: It is nothing that can be accepted.
    """
    if not text.strip() or not _can_be_name(text):
        raise SettingsError(f"{shown_video(text)!r} names no video; {ACCEPTED}")
    if scheme := _SCHEME.match(text.strip()):
        return _classify_link((scheme.group(1) or scheme.group(2)).lower(), text.strip())
    path = _absolute(Path(text))
    if _exists(path):
        return LocalFile(path)
    if text.startswith(keys.SOURCE_PREFIX) and text != keys.SOURCE_PREFIX:
        return StoreKey(keys.video_id_of(text), text)
    if "/" not in text and not text.endswith(".mp4") and text not in (".", ".."):
        return StoreKey(text, keys.guess_source_key(text))
    return LocalFile(path)


def has_video_name(name: str) -> bool:
    """Whether a file or a key is a video by its name, and no hidden or unfinished one."""
    return keys.is_video_upload(name) and extension_of(name) in VIDEO_EXTENSIONS


def extension_of(name: str) -> str:
    """The extension of a file or a key, in small letters and without its dot."""
    return PurePosixPath(name).suffix[1:].lower()


def content_type_of(source_key: str) -> str:
    """The MIME type that a source is stored with."""
    return CONTENT_TYPES.get(extension_of(source_key), "application/octet-stream")


def video_names(source_key: str, origin: str | None, video_id: str) -> tuple[str, ...]:
    """What people may call a video in a file of theirs, likeliest first, each once."""
    linked = PurePosixPath((origin or "").removesuffix(f"?{_HIDDEN}"))
    names = [PurePosixPath(source_key).name, linked.name, video_id]
    return tuple(dict.fromkeys(name for name in names if name))


def shown_url(url: str) -> str:
    """A link as everything shows and records it.

    User, password, query and fragment are left out, since each may be a secret or hold one, and
    nothing tells which do. ``?…`` stands for a query. What was shown is shown unchanged.
    """
    url = url.strip()
    scheme = re.match(r"[A-Za-z][A-Za-z0-9+.-]*:/*", url)
    start = scheme.end() if scheme else 0
    place, _, _ = url[start:].partition("#")
    place, _, query = place.partition("?")
    known = _AUTHORITY.fullmatch(place)
    # A password with a slash or a question mark: nobody can tell where it ends.
    place = f"{known.group(1)}{known.group(2) or ''}" if known else _HIDDEN
    return f"{url[:start].lower()}{place}{f'?{_HIDDEN}' if query and known else ''}"


def shown_video(text: str) -> str:
    """What a user typed for a video, as everything shows it."""
    return printable(shown_url(text) if _SCHEME.match(text.strip()) else text)


def secret_parts(url: str) -> list[str]:
    """What of a link is not shown, longest first, for the search in texts that others wrote."""
    parts = urlsplit(url)
    values = (each.partition("=")[2] for each in parts.query.split("&"))
    found = {parts.query, parts.fragment, parts.password or "", parts.username or "", *values}
    known = {*found, *(unquote(each) for each in found)}
    return sorted(filter(None, known), key=len, reverse=True)


def _classify_link(scheme: str, text: str) -> LocalFile | HttpLink | S3Link:
    try:
        parts = urlsplit(text)
        # A port that is none may be the beginning of a password.
        place, path, _ = parts.hostname, parts.path, parts.port
    except ValueError:
        # Python's message repeats the user and the password.
        raise SettingsError(f"{shown_url(text)} is no well-formed link; {ACCEPTED}") from None
    if scheme == "file" and place in (None, "localhost") and path.startswith("/"):
        return LocalFile(_absolute(Path(unquote(path, errors="surrogateescape"))))
    if scheme in ("http", "https") and place:
        return HttpLink(text)
    if scheme == "s3":
        # Keys may hold ? and #, which mean nothing in them.
        bucket, _, key = text[len("s3://") :].partition("/")
        is_spelled = text[: len("s3://")].lower() == "s3://" and _BUCKET.fullmatch(bucket)
        if is_spelled and key and not key.endswith("/"):
            return S3Link(bucket, key)
    raise SettingsError(f"{shown_url(text)} cannot be brought in; {ACCEPTED}")


def _absolute(path: Path) -> Path:
    try:
        path = path.expanduser()
    except RuntimeError as error:
        raise SettingsError(f"{path}: there is no such user; {ACCEPTED}") from error
    return Path(os.path.realpath(path.absolute().parent)) / path.name


def _can_be_name(text: str) -> bool:
    try:
        return b"\0" not in text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False


def _exists(path: Path) -> bool:
    try:
        path.lstat()
    except OSError:
        # Not there, or not to be seen; reading it will say which.
        return False
    return True


def _link_key(url: str, path: str) -> str:
    name = PurePosixPath(path).name
    return keys.source_key_for_name(_safe_name(name, _digest(url, 10)))


def _safe_name(name: str, digest: str) -> str:
    suffix = PurePosixPath(name).suffix
    extension = suffix[1:].lower()
    if extension in CONTENT_TYPES:
        name = name.removesuffix(suffix)
    else:
        extension = "mp4"
    readable = _UNSAFE.sub("-", name)[:_READABLE_LENGTH].strip("-_") or "video"
    return f"{readable}-{digest}.{extension}"


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:length]
