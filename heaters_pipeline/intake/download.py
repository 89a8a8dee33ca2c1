"""Download a video file behind a link, whole or not at all.

A download that breaks off is resumed where the server can do that, and begun again where it cannot.
Messages name a link without what may be secret. The errors of ``requests`` are not chained to
ours, since they spell the whole link, and what ``urllib3`` logs is shortened.
"""

import logging
import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import requests
import urllib3.exceptions

from heaters_pipeline.errors import DownloadError, DownloadInterruptedError, SettingsError
from heaters_pipeline.intake.allowed_links import SETTING, AllowedLinks
from heaters_pipeline.intake.checked_session import ForbiddenAddressError, checked_session
from heaters_pipeline.intake.sources import HttpLink, S3Link, secret_parts, shown_url
from heaters_pipeline.storage.local_files import os_errors_explained, publish, temporary_file
from heaters_pipeline.storage.object_store import ProgressCallback
from heaters_pipeline.storage.s3.store import S3ObjectStore

_logger = logging.getLogger(__name__)

# What came of a chunk is lost when the connection breaks within it.
_CHUNK_BYTES = 1 << 16
_WEB_PAGES = ("text/html", "application/xhtml+xml")
_MAY_PASS_STATUS = (408, 425, 429)
_QUERY = re.compile(r"\?[^\s\"')]+")
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
_BAD_CERTIFICATE = ("CERTIFICATE_VERIFY_FAILED", "CertificateError")
"""Words of the libraries: the second where the certificate is that of another name."""
_LATER = "try again later"
_UNKNOWN_NAME = "the name of the server is not known"
_ADVICE_BY_STATUS = {
    401: "it wants a login; download the file and submit it",
    403: "it may not be downloaded from here, or the link has expired; get a new link",
    404: "there is no such file; check the link",
    410: "the file was removed; check the link",
}


@dataclass(frozen=True, slots=True)
class DownloadSettings:
    """How patiently links are downloaded.

    Attributes:
        max_bytes: Larger files are refused.
        max_attempts: Requests for one file at most; the second and later ones resume.
        max_redirects: Redirects followed at most.
        connect_timeout_seconds: How long to wait for a connection.
        read_timeout_seconds: How long to wait for the next bytes.
        retry_delay_seconds: Pause before the second attempt; doubles each time.
    """

    max_bytes: int = 100_000_000_000
    max_attempts: int = 5
    max_redirects: int = 10
    connect_timeout_seconds: float = 10.0
    read_timeout_seconds: float = 60.0
    retry_delay_seconds: float = 1.0

    def __post_init__(self) -> None:
        if min(self.max_bytes, self.max_attempts) < 1 or self.max_redirects < 0:
            raise SettingsError(
                "max_bytes and max_attempts must be 1 or more, max_redirects 0 or more"
            )
        timeouts = (self.connect_timeout_seconds, self.read_timeout_seconds)
        if min(timeouts) <= 0 or self.retry_delay_seconds < 0:
            raise SettingsError("timeouts must be above 0 seconds, retry_delay_seconds 0 or more")


DEFAULT_SETTINGS = DownloadSettings()
PUBLIC_LINKS = AllowedLinks()

_LONGEST_QUOTE = 200
_LINK_LOGGERS = (
    "urllib3.connection",
    "urllib3.connectionpool",
    "urllib3.poolmanager",
    "urllib3.response",
    "urllib3.util.retry",
)


def fetch_link(
    link: HttpLink | S3Link,
    path: Path,
    *,
    allowed: AllowedLinks = PUBLIC_LINKS,
    by_hand: bool = False,
    settings: DownloadSettings = DEFAULT_SETTINGS,
    on_progress: ProgressCallback | None = None,
) -> None:
    """Bring the file behind a link to ``path``, which appears only when it is complete.

    Args:
        link: What ``classify`` made of it.
        path: File to write, in an existing folder.
        allowed: Where it may lead.
        by_hand: Who runs this process gave the link, so that it may use that person's credentials
            for any bucket.
        settings: Limits and patience.
        on_progress: Called with the bytes that arrived since the last call.
    Raises:
        DownloadError: It cannot be downloaded, now or later.
        DownloadInterruptedError: The network or the server failed in a way that may pass.
        StoreError: The bucket refused it, or the disk did.
    """
    if isinstance(link, HttpLink):
        download(link.url, path, allowed=allowed, settings=settings, on_progress=on_progress)
        return
    if not by_hand and link.bucket not in allowed.buckets:
        raise DownloadError(
            f"{link.url} would be read with the pipeline's own credentials, which it uses for a "
            f"link of others only if {SETTING} lists the bucket: add s3://{link.bucket} to it, or "
            "submit a presigned https link"
        )
    bucket = S3ObjectStore(link.bucket)
    found = bucket.head(link.key)
    if found is not None and found.size_bytes > settings.max_bytes:
        raise _too_large(link.url, found.size_bytes, settings)
    bucket.fetch(link.key, path, on_progress=on_progress)


def download(
    url: str,
    path: Path,
    *,
    allowed: AllowedLinks = PUBLIC_LINKS,
    settings: DownloadSettings = DEFAULT_SETTINGS,
    on_progress: ProgressCallback | None = None,
) -> None:
    """Download an ``http`` or ``https`` link; the arguments and errors are those of ``fetch_link``.

    Bytes that have to be loaded again after a break are not reported again.
    """
    transfer = _Transfer(url, settings, on_progress)
    with (
        os_errors_explained(f"cannot write {path}"),
        temporary_file(path.parent) as target,
        _short_links_in_logs(),
        checked_session(allowed) as session,
    ):
        session.max_redirects = settings.max_redirects
        for attempt in range(1, settings.max_attempts + 1):
            try:
                transfer.run(session, target)
                break
            except DownloadInterruptedError as error:
                if attempt == settings.max_attempts:
                    raise
                why = str(error).removesuffix(f"; {_LATER}")
                _logger.warning(
                    "%s; attempt %d of %d follows", why, attempt + 1, settings.max_attempts
                )
                time.sleep(settings.retry_delay_seconds * 2 ** (attempt - 1))
        publish(target, path)


class _Transfer:
    """One download over several attempts: what arrived, and by what the rest is recognised."""

    def __init__(
        self, url: str, settings: DownloadSettings, on_progress: ProgressCallback | None
    ) -> None:
        self._url = url
        self._shown = shown_url(url)
        self._secrets = secret_parts(url)
        self._settings = settings
        self._on_progress = on_progress
        self._reported_bytes = 0
        self._total_bytes: int | None = None
        self._validator: str | None = None

    def run(self, session: requests.Session, target: BinaryIO) -> None:
        """Ask for the file, or for the rest of it, and append what comes."""
        headers = {"Accept-Encoding": "identity"}
        if target.tell() and self._validator is not None:
            headers |= {"Range": f"bytes={target.tell()}-", "If-Range": self._validator}
        with self._faults_explained(), closing(self._get(session, headers)) as response:
            self._require_success(response)
            self._prepare(response, target)
            for chunk in response.iter_content(_CHUNK_BYTES):
                target.write(chunk)
                self._report(target.tell())
                if target.tell() > self._settings.max_bytes:
                    raise _too_large(self._shown, target.tell(), self._settings)
        if self._total_bytes is not None and target.tell() != self._total_bytes:
            raise self._interrupted(f"{target.tell()} of {self._total_bytes} bytes arrived")
        if not target.tell():
            raise DownloadError(f"{self._shown} leads to an empty file; check the link")

    def _get(self, session: requests.Session, headers: dict[str, str]) -> requests.Response:
        timeouts = (self._settings.connect_timeout_seconds, self._settings.read_timeout_seconds)
        return session.get(self._url, headers=headers, stream=True, timeout=timeouts)

    def _require_success(self, response: requests.Response) -> None:
        status = response.status_code
        if status in _MAY_PASS_STATUS or status >= 500:
            raise self._interrupted(f"the server answered {self._status(response)}")
        if status == 416:
            # The file became shorter than what arrived of it.
            self._validator = None
            raise self._interrupted("the file was replaced meanwhile")
        if status not in (200, 206):
            advice = _ADVICE_BY_STATUS.get(status, "check the link")
            raise DownloadError(
                f"{self._shown}: the server answered {self._status(response)}; {advice}"
            )
        if response.headers.get("Content-Type", "").partition(";")[0].lower() in _WEB_PAGES:
            raise DownloadError(
                f"{self._shown}: the link leads to a web page, not to a video file; "
                "download it and submit the file"
            )
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise DownloadError(
                f"{self._shown}: the server sends the file only compressed; "
                "download it and submit the file"
            )

    def _status(self, response: requests.Response) -> str:
        """What the server said, without what it may repeat of the link."""
        reason = response.reason or ""
        for secret in self._secrets:
            reason = reason.replace(secret, "…")
        return f"{response.status_code} {reason[:_LONGEST_QUOTE]}".strip()

    def _prepare(self, response: requests.Response, target: BinaryIO) -> None:
        """Go to where the answer belongs, and note what a later attempt has to know."""
        headers = response.headers
        if response.status_code == 206:
            if not self._is_continued(headers, target.tell()):
                self._validator = None
                raise self._interrupted("the file was replaced meanwhile")
            return
        target.seek(0)
        target.truncate()
        length = headers.get("Content-Length", "")
        self._total_bytes = int(length) if length.isdecimal() else None
        if (self._total_bytes or 0) > self._settings.max_bytes:
            raise _too_large(self._shown, self._total_bytes or 0, self._settings)
        etag = headers.get("ETag", "")
        # A weak tag stands for a file that means the same, not for the same bytes.
        strong = etag if etag.startswith('"') else None
        self._validator = strong or headers.get("Last-Modified")

    def _is_continued(self, headers: Mapping[str, str], position: int) -> bool:
        """Whether an answer holds the rest of the file from ``position`` on."""
        content_range = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
        if content_range is None or int(content_range.group(1)) != position:
            return False
        # Not every server heeds If-Range.
        tags = (headers.get("ETag"), headers.get("Last-Modified"))
        return content_range.group(2) in ("*", str(self._total_bytes)) and self._validator in tags

    def _report(self, position: int) -> None:
        news = position - self._reported_bytes
        if news > 0 and self._on_progress is not None:
            self._on_progress(news)
        self._reported_bytes = max(position, self._reported_bytes)

    @contextmanager
    def _faults_explained(self) -> Iterator[None]:
        try:
            yield
        except requests.TooManyRedirects:
            raise DownloadError(
                f"{self._shown} redirects more than {self._settings.max_redirects} times; "
                "check the link"
            ) from None
        except ForbiddenAddressError as error:
            raise DownloadError(
                f"{self._shown} leads to {error.host}, where links may not lead: it is private, "
                f"reserved, or not listed; if it is yours, add it to {SETTING}, such as "
                f"{SETTING}=public,{error.host}"
            ) from None
        except socket.gaierror:
            raise self._interrupted(_UNKNOWN_NAME) from None
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, ValueError):
            raise DownloadError(
                f"{self._shown} leads to an address that is no http or https link; check the link"
            ) from None
        except requests.exceptions.SSLError as error:
            if any(word in str(error) for word in _BAD_CERTIFICATE):
                raise DownloadError(
                    f"{self._shown}: the server's certificate is not trusted; "
                    "download the file and submit it"
                ) from None
            raise self._interrupted("the encrypted connection failed") from None
        except requests.Timeout:
            raise self._interrupted("the server did not answer in time") from None
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise self._interrupted(_what_broke(error)) from None

    def _interrupted(self, reason: str) -> DownloadInterruptedError:
        return DownloadInterruptedError(
            f"the download of {self._shown} broke off: {reason}; {_LATER}"
        )


@contextmanager
def _short_links_in_logs() -> Iterator[None]:
    """Leave queries out of what the libraries log, some of it without being asked to."""
    loggers = [logging.getLogger(name) for name in _LINK_LOGGERS]
    for logger in loggers:
        logger.addFilter(_shorten)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(_shorten)


def _shorten(record: logging.LogRecord) -> bool:
    record.msg, record.args = _QUERY.sub("?…", record.getMessage()), ()
    record.exc_info = None
    return True


def _what_broke(error: Exception) -> str:
    if "NameResolutionError" in repr(error) or "Failed to resolve" in str(error):
        return _UNKNOWN_NAME
    if "timed out" in str(error):
        return "the server did not go on in time"
    if "refused" in str(error):
        return "the server refused the connection"
    return "the connection broke"


def _too_large(shown: str, size_bytes: int, settings: DownloadSettings) -> DownloadError:
    return DownloadError(
        f"{shown} has {size_bytes} bytes or more, over the limit of {settings.max_bytes}; "
        "split the video, or copy it into the store yourself"
    )
