"""Links are downloaded whole or not at all, by a real server that misbehaves."""

import logging
import traceback
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import boto3
import pytest

from heaters_pipeline.errors import (
    DownloadError,
    DownloadInterruptedError,
    HeatersError,
    ObjectNotFoundError,
    SettingsError,
    StoreError,
)
from heaters_pipeline.intake.download import DownloadSettings
from heaters_pipeline.intake.download import download as download_link
from heaters_pipeline.intake.download import fetch_link as fetch_any_link
from heaters_pipeline.intake.sources import HttpLink, S3Link
from heaters_pipeline_tests.ports import free_port
from heaters_pipeline_tests.servers import S3Server
from heaters_pipeline_tests.web_server import (
    LOOPBACK_LINKS,
    Served,
    WebServer,
    running_web_server,
)

download = partial(download_link, allowed=LOOPBACK_LINKS)
fetch_link = partial(fetch_any_link, allowed=LOOPBACK_LINKS, by_hand=True)

CONTENT = bytes(range(256)) * 4000
HASTY = DownloadSettings(retry_delay_seconds=0, max_attempts=3)
REPLACED = {"Content-Type": "video/mp4", "ETag": '"v2"'}


@pytest.fixture
def web() -> Iterator[WebServer]:
    with running_web_server() as server:
        yield server


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "downloads"
    folder.mkdir()
    return folder / "holiday.mp4"


def starts(web: WebServer) -> list[int]:
    """From which byte on each request wanted the file."""
    return [int((asked or "bytes=0-")[6:-1]) for asked in web.ranges()]


def unused_address() -> str:
    """An address on loopback where nobody listens."""
    return f"127.0.0.1:{free_port()}"


def refused(web: WebServer, target: Path, path: str = "/holiday.mp4") -> HeatersError:
    """The error of a download that must fail and leave nothing."""
    with pytest.raises(HeatersError) as refusal:
        download(web.url(path), target, settings=HASTY)
    assert list(target.parent.iterdir()) == []
    return refusal.value


def test_a_file_arrives_whole_in_one_request(web: WebServer, target: Path) -> None:
    web.served["/holiday.mp4"] = Served(CONTENT)
    moved: list[int] = []
    download(web.url("/holiday.mp4"), target, on_progress=moved.append)
    assert target.read_bytes() == CONTENT
    assert sum(moved) == len(CONTENT)
    assert len(web.requests) == 1
    assert list(target.parent.iterdir()) == [target]


def test_a_file_of_unknown_length_arrives_whole(web: WebServer, target: Path) -> None:
    web.served["/holiday.mp4"] = Served(CONTENT, sends_length=False)
    download(web.url("/holiday.mp4"), target)
    assert target.read_bytes() == CONTENT


def test_redirects_are_followed_but_not_for_ever(web: WebServer, target: Path) -> None:
    web.served["/short"] = Served(headers={"Location": "/holiday.mp4"}, statuses=[302])
    web.served["/holiday.mp4"] = Served(CONTENT)
    download(web.url("/short"), target)
    assert target.read_bytes() == CONTENT
    target.unlink()
    web.served["/loop"] = Served(headers={"Location": "/loop"}, statuses=[302] * 100)
    error = refused(web, target, "/loop")
    assert "redirects more than 10 times" in str(error)
    assert [path for path, _ in web.requests].count("/loop") == 11
    assert not error.transient


def test_a_redirect_out_of_the_web_is_refused(web: WebServer, target: Path) -> None:
    web.served["/short"] = Served(headers={"Location": "file:///etc/passwd"}, statuses=[302])
    error = refused(web, target, "/short")
    assert "no http or https link" in str(error)
    assert not error.transient


@pytest.mark.parametrize("resets", [False, True])
def test_a_broken_download_is_resumed(web: WebServer, target: Path, resets: bool) -> None:
    web.served["/holiday.mp4"] = Served(CONTENT, cuts=[300_000, 200_000], resets=resets)
    moved: list[int] = []
    download(web.url("/holiday.mp4"), target, settings=HASTY, on_progress=moved.append)
    assert target.read_bytes() == CONTENT
    assert sum(moved) == len(CONTENT)
    # A reset may take with it what the server had sent before.
    assert resets or starts(web) == sorted({0, *starts(web)})
    assert len(web.requests) == 3


def test_a_silent_server_is_asked_again(web: WebServer, target: Path) -> None:
    web.served["/holiday.mp4"] = Served(CONTENT, cuts=[300_000], stalls=True)
    impatient = DownloadSettings(retry_delay_seconds=0, read_timeout_seconds=0.3, max_attempts=20)
    download(web.url("/holiday.mp4"), target, settings=impatient)
    assert target.read_bytes() == CONTENT
    assert len(web.requests) > 1


def test_a_server_that_sends_parts_is_asked_for_all_of_them(web: WebServer, target: Path) -> None:
    web.served["/holiday.mp4"] = Served(CONTENT, cuts=[300_000], longest_part=400_000)
    download(web.url("/holiday.mp4"), target, settings=HASTY)
    assert target.read_bytes() == CONTENT
    assert len(web.requests) == 3


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "video/mp4"},
        {"Content-Type": "video/mp4", "ETag": 'W/"v1"'},
    ],
    ids=["no validator", "weak validator"],
)
def test_without_a_way_to_tell_the_file_it_is_begun_again(
    web: WebServer, target: Path, headers: dict[str, str]
) -> None:
    web.served["/holiday.mp4"] = Served(CONTENT, headers, cuts=[300_000])
    download(web.url("/holiday.mp4"), target, settings=HASTY)
    assert target.read_bytes() == CONTENT
    assert starts(web) == [0, 0]


def test_a_date_tells_the_file_too(web: WebServer, target: Path) -> None:
    headers = {"Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT", "ETag": 'W/"v1"'}
    web.served["/holiday.mp4"] = Served(CONTENT, headers, cuts=[300_000])
    download(web.url("/holiday.mp4"), target, settings=HASTY)
    assert target.read_bytes() == CONTENT
    assert starts(web)[1] > 0


def test_a_server_without_ranges_sends_all_again(web: WebServer, target: Path) -> None:
    web.served["/holiday.mp4"] = Served(CONTENT, supports_ranges=False, cuts=[300_000])
    moved: list[int] = []
    download(web.url("/holiday.mp4"), target, settings=HASTY, on_progress=moved.append)
    assert target.read_bytes() == CONTENT
    assert sum(moved) == len(CONTENT)


@pytest.mark.parametrize("heeds_if_range", [True, False])
@pytest.mark.parametrize("new_content", [CONTENT[::-1], CONTENT[:200_000], CONTENT * 2])
def test_a_file_that_is_replaced_meanwhile_is_never_mixed(
    web: WebServer, target: Path, new_content: bytes, heeds_if_range: bool
) -> None:
    web.served["/holiday.mp4"] = Served(CONTENT, cuts=[300_000])

    def replace(_: int) -> None:
        web.served["/holiday.mp4"] = Served(new_content, REPLACED, heeds_if_range=heeds_if_range)

    download(web.url("/holiday.mp4"), target, settings=HASTY, on_progress=replace)
    assert target.read_bytes() == new_content
    # What was sent of another file cost one more request.
    assert len(web.requests) == (2 if heeds_if_range else 3)


def test_a_file_that_is_replaced_within_a_second_is_told_by_its_length(
    web: WebServer, target: Path
) -> None:
    headers = {"Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}
    web.served["/holiday.mp4"] = Served(CONTENT, headers, cuts=[300_000])

    def replace(_: int) -> None:
        web.served["/holiday.mp4"] = Served(CONTENT[::-1] + b"more", headers)

    download(web.url("/holiday.mp4"), target, settings=HASTY, on_progress=replace)
    assert target.read_bytes() == CONTENT[::-1] + b"more"


def test_another_part_than_was_asked_for_is_not_taken(web: WebServer, target: Path) -> None:
    web.served["/holiday.mp4"] = Served(CONTENT, cuts=[300_000], shift=-1000)
    download(web.url("/holiday.mp4"), target, settings=HASTY)
    assert target.read_bytes() == CONTENT


def test_attempts_are_bounded_and_the_fault_may_pass(web: WebServer, target: Path) -> None:
    web.served["/holiday.mp4"] = Served(CONTENT, cuts=[1000] * 10)
    error = refused(web, target)
    assert isinstance(error, DownloadInterruptedError)
    assert error.transient
    assert "try again later" in str(error)
    assert len(web.requests) == 3


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_busy_server_is_asked_again(web: WebServer, target: Path, status: int) -> None:
    web.served["/holiday.mp4"] = Served(CONTENT, statuses=[status, status])
    download(web.url("/holiday.mp4"), target, settings=HASTY)
    assert target.read_bytes() == CONTENT
    web.served["/holiday.mp4"].statuses = [status] * 3
    target.unlink()
    error = refused(web, target)
    assert error.transient
    assert str(status) in str(error)


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (400, "check the link"),
        (401, "it wants a login"),
        (403, "the link has expired"),
        (404, "there is no such file"),
        (410, "the file was removed"),
    ],
)
def test_a_refusal_is_lasting_and_says_what_to_do(
    web: WebServer, target: Path, status: int, advice: str
) -> None:
    web.served["/holiday.mp4"] = Served(CONTENT, statuses=[status] * 3)
    error = refused(web, target)
    assert isinstance(error, DownloadError)
    assert not error.transient
    assert f"answered {status}" in str(error)
    assert advice in str(error)
    assert len(web.requests) == 1


def test_a_web_page_is_no_video(web: WebServer, target: Path) -> None:
    web.served["/watch"] = Served(b"<html>", {"Content-Type": "Text/HTML; charset=utf-8"})
    error = refused(web, target, "/watch")
    assert "leads to a web page, not to a video file; download it and submit the file" in str(error)
    assert not error.transient


def test_an_empty_file_is_refused(web: WebServer, target: Path) -> None:
    web.served["/holiday.mp4"] = Served(b"")
    assert "leads to an empty file" in str(refused(web, target))


def test_a_file_that_is_sent_compressed_is_refused(web: WebServer, target: Path) -> None:
    web.served["/holiday.mp4"] = Served(CONTENT, {"Content-Encoding": "gzip"})
    assert "only compressed" in str(refused(web, target))
    assert web.requests[0][1]["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("sends_length", [True, False])
def test_a_file_over_the_limit_is_refused(web: WebServer, target: Path, sends_length: bool) -> None:
    web.served["/holiday.mp4"] = Served(CONTENT, sends_length=sends_length)
    limit = DownloadSettings(max_bytes=len(CONTENT) - 1)
    moved: list[int] = []
    with pytest.raises(DownloadError, match="over the limit of") as refusal:
        download(web.url("/holiday.mp4"), target, settings=limit, on_progress=moved.append)
    assert not moved or not sends_length
    assert not refusal.value.transient
    assert list(target.parent.iterdir()) == []
    download(web.url("/holiday.mp4"), target, settings=DownloadSettings(max_bytes=len(CONTENT)))


def test_nobody_at_the_address_may_pass(target: Path) -> None:
    url = f"http://{unused_address()}/a.mp4"
    with pytest.raises(DownloadInterruptedError, match="refused the connection"):
        download(url, target, settings=HASTY)


def test_an_address_that_is_none_is_refused(target: Path) -> None:
    with pytest.raises(DownloadError, match="check the link") as refusal:
        download("http://exa mple..org/a.mp4", target, settings=HASTY)
    assert not refusal.value.transient


def test_a_disk_that_cannot_be_written_is_a_fault_of_the_store(web: WebServer) -> None:
    web.served["/holiday.mp4"] = Served(CONTENT)
    with pytest.raises(StoreError, match=r"cannot write /nonexistent/a\.mp4"):
        download(web.url("/holiday.mp4"), Path("/nonexistent/a.mp4"))


@pytest.mark.parametrize(
    "served",
    [None, Served(), Served(CONTENT, cuts=[10] * 9), Served(statuses=[500] * 9)],
    ids=["missing", "nobody", "broken", "busy"],
)
def test_credentials_stay_out_of_messages_and_logs(
    web: WebServer, target: Path, caplog: pytest.LogCaptureFixture, served: Served | None
) -> None:
    address = web.address if served != Served() else unused_address()
    if served is not None:
        web.served["/holiday.mp4"] = served
    caplog.set_level(logging.INFO, "heaters_pipeline")
    url = f"http://user:hunter2@{address}/holiday.mp4?id=7&X-Amz-Signature=abcdef"
    with pytest.raises(DownloadError) as refusal:
        download(url, target, settings=HASTY)
    shown = "".join(traceback.format_exception(refusal.value)) + caplog.text
    assert f"http://{address}/holiday.mp4?…" in shown
    assert "hunter2" not in shown
    assert "abcdef" not in shown


def test_what_the_libraries_log_holds_no_query(
    web: WebServer, target: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # A line that is no header: urllib3 warns of it with the whole link, without being asked to.
    web.served["/holiday.mp4"] = Served(
        CONTENT, headers={"X: y\r\nno header, but a line\r\nA": "b"}
    )
    web.served["/short"] = Served(
        headers={"Location": "/holiday.mp4?sig=CANARY"}, statuses=[302, 302]
    )
    caplog.set_level(logging.DEBUG)
    download(web.url("/short?token=CANARY&a"), target, settings=HASTY)
    assert "Failed to parse headers" in caplog.text
    assert "GET /short?…" in caplog.text
    assert "CANARY" not in caplog.text
    caplog.clear()
    logging.getLogger("urllib3.connectionpool").warning("a link: /a?b=c")
    assert "/a?b=c" in caplog.text


@pytest.mark.parametrize("status", [404, 503])
def test_what_a_server_says_is_shown_escaped_and_without_the_link(
    web: WebServer, target: Path, status: int
) -> None:
    said = "\x1b[2J\x1b]0;title\x07 no sig=CANARY for me:hunter2 \u009b31m"
    web.served["/holiday.mp4"] = Served(statuses=[status] * 9, reason=said)
    url = web.url("/holiday.mp4?sig=CANARY").replace("//", "//me:hunter2@")
    with pytest.raises(DownloadError) as refusal:
        download(url, target, settings=HASTY)
    text = str(refusal.value)
    assert text.isprintable()
    assert rf"answered {status} \x1b[2J\x1b]0;title\x07 no … for" in text
    assert "CANARY" not in text
    assert "hunter2" not in text


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_bytes": 0},
        {"max_attempts": 0},
        {"max_redirects": -1},
        {"connect_timeout_seconds": 0},
        {"read_timeout_seconds": -1},
        {"retry_delay_seconds": -1},
    ],
    ids=str,
)
def test_settings_out_of_bounds_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match="must be"):
        DownloadSettings(**wrong)  # type: ignore[arg-type]


def test_links_into_buckets_are_fetched(
    moto_s3: S3Server, monkeypatch: pytest.MonkeyPatch, target: Path
) -> None:
    moto_s3.use(monkeypatch)
    bucket = moto_s3.new_bucket()
    boto3.session.Session().client("s3").put_object(
        Bucket=bucket, Key="in/holiday.mp4", Body=CONTENT
    )
    link = S3Link(bucket, "in/holiday.mp4")
    fetch_link(link, target)
    assert target.read_bytes() == CONTENT
    target.unlink()
    with pytest.raises(DownloadError, match="over the limit"):
        fetch_link(link, target, settings=DownloadSettings(max_bytes=5))
    with pytest.raises(ObjectNotFoundError, match=r"in/other\.mp4"):
        fetch_link(S3Link(bucket, "in/other.mp4"), target)
    assert list(target.parent.iterdir()) == []


def test_links_into_the_web_are_fetched(web: WebServer, target: Path) -> None:
    web.served["/holiday.mp4"] = Served(CONTENT)
    fetch_link(HttpLink(web.url("/holiday.mp4")), target)
    assert target.read_bytes() == CONTENT
