"""``heaters serve``: what it shows, to whom, and the one thing that it writes."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import requests

from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.records.corrections import read_corrections
from heaters_pipeline_tests.pipeline import VIDEO_ID
from heaters_pipeline_tests.review_server import TOKEN, serving
from heaters_pipeline_tests.servers import S3Server

WAIT_SECONDS = 60
HEATERS = "from heaters_pipeline.cli import main; main()"


@pytest.fixture
def store(processed_folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(processed_folder, tmp_path / "store", symlinks=True)


@pytest.fixture
def url(store: Path, tmp_path: Path) -> Iterator[str]:
    with serving(store, tmp_path / "cache") as address:
        yield address


def corrections(*numbers: int, sha256: str = "0" * 64) -> dict[str, Any]:
    """A document with an approval for each number."""
    return {
        "format": "heaters_pipeline/corrections",
        "format_version": 1,
        "video_id": VIDEO_ID,
        "decisions": [
            {
                "id": f"{number:032x}",
                "kind": "approve",
                "start_frame": 0,
                "end_frame": 20,
                "source_sha256": sha256,
                "by": "anna",
                "at": f"2026-11-30T10:00:{number:02d}.000Z",
                "why": "",
            }
            for number in numbers
        ],
    }


def origin_of(url: str) -> str:
    return url.removesuffix(f"/{TOKEN}/")


def put(url: str, document: Any, **headers: str) -> requests.Response:
    """Save corrections as a page does."""
    return requests.put(
        f"{url}corrections/{VIDEO_ID}",
        data=json.dumps(document),
        headers={"Origin": origin_of(url), **{k.replace("_", "-"): v for k, v in headers.items()}},
        timeout=WAIT_SECONDS,
    )


def get(url: str, **headers: str) -> requests.Response:
    return requests.get(url, headers=headers, timeout=WAIT_SECONDS)


def clip_key(store: Path) -> str:
    return str(sorted((store / "clips" / VIDEO_ID).iterdir())[0].relative_to(store))


def test_any_part_of_a_clip_is_given_as_players_ask_for_it(url: str, store: Path) -> None:
    key = clip_key(store)
    content, address = (store / key).read_bytes(), f"{url}objects/{key}"
    whole = get(address)
    assert (whole.status_code, whole.content) == (200, content)
    assert whole.headers["Content-Type"] == "video/mp4"
    for asked, part in (
        ("bytes=0-9", content[:10]),
        ("bytes=100-", content[100:]),
        (f"bytes=5-{len(content) + 1000}", content[5:]),
        ("bytes=-10", content[-10:]),
        (f"bytes=-{len(content) + 1000}", content),
    ):
        reply = get(address, Range=asked)
        assert (reply.status_code, reply.content) == (206, part)
        assert reply.headers["Content-Range"].endswith(f"/{len(content)}")
    for behind in (f"bytes={len(content)}-", "bytes=-0"):
        reply = get(address, Range=behind)
        assert (reply.status_code, reply.headers["Content-Range"]) == (
            416,
            f"bytes */{len(content)}",
        )
    # No range at all, which a server passes over.
    for wrong in ("bytes=5-2", "bytes=-", "frames=0-9"):
        reply = get(address, Range=wrong)
        assert (reply.status_code, reply.content) == (200, content)


def test_so_it_is_with_a_bucket(
    store: Path, tmp_path: Path, rclone_s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    from heaters_pipeline.storage.s3.store import S3ObjectStore

    rclone_s3.use(monkeypatch)
    bucket = S3ObjectStore(rclone_s3.new_bucket(), "")
    key = clip_key(store)
    bucket.put_file(key, store / key, content_type="video/mp4")
    record = f"manifests/videos/{VIDEO_ID}.json"
    bucket.put_file(record, store / record, content_type="application/json")
    with serving(bucket, tmp_path / "cache") as url:
        reply = get(f"{url}objects/{key}", Range="bytes=7-20")
        assert reply.content == (store / key).read_bytes()[7:21]
        assert put(url, corrections(1), If_None_Match="*").status_code == 204
        assert put(url, corrections(2), If_None_Match="*").status_code == 412
    assert [one.id for one in read_corrections(bucket, VIDEO_ID).decisions] == [f"{1:032x}"]


@pytest.mark.parametrize(
    "path",
    [
        "objects/source_videos/film.mp4",
        "objects/manifests/videos/film.json",
        "objects/settings.yaml",
        "objects/clips/film/other.mp4",
        "objects/clips/../source_videos/film.mp4",
        "objects/clips/film/%2e%2e/%2e%2e/source_videos/film.mp4",
        "objects//etc/passwd",
        "objects/clips/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "videos/nobody",
        "data/nobody",
        "videos/..%2f..%2fetc",
        "corrections/film",
        "assets/page.css",
    ],
)
def test_nothing_else_of_the_store_or_the_machine_can_be_asked_for(url: str, path: str) -> None:
    host = origin_of(url).removeprefix("http://")
    connection = HTTPConnection(host, timeout=WAIT_SECONDS)
    # As it stands: other clients resolve the dots themselves.
    connection.putrequest("GET", f"/{TOKEN}/{path}", skip_host=True)
    connection.putheader("Host", host)
    connection.endheaders()
    reply = connection.getresponse()
    assert reply.status in (400, 403, 404, 409)
    assert b"root:" not in reply.read()
    connection.close()


def test_whoever_does_not_know_the_token_sees_nothing(url: str) -> None:
    origin = origin_of(url)
    for path in ("/", "/wrong/", f"/{TOKEN}x/", f"/wrong/{TOKEN}/", f"//{TOKEN}/"):
        reply = get(f"{origin}{path}")
        assert reply.status_code == 403, path
        assert TOKEN not in reply.text


def test_another_name_for_this_machine_is_refused(url: str) -> None:
    for host in ("evil.example", "localhost:1", "evil.example:80"):
        assert get(url, Host=host).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
    ],
)
def test_pages_of_other_origins_get_nothing(url: str, store: Path, headers: dict[str, str]) -> None:
    assert get(f"{url}objects/{clip_key(store)}", **headers).status_code == 403
    reply = put(url, corrections(1), If_None_Match="*", **{"Origin": "null", **headers})
    assert reply.status_code == 403
    assert not (store / "corrections").exists()


def test_a_link_from_another_page_may_be_followed(url: str) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert get(f"{url}videos/{VIDEO_ID}", **headers).status_code == 200


@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH", "PUT"])
def test_only_corrections_can_be_written(url: str, store: Path, method: str) -> None:
    before = sorted(path for path in store.rglob("*") if path.is_file())
    for path in ("", f"videos/{VIDEO_ID}", f"objects/{clip_key(store)}"):
        headers = {"Origin": origin_of(url)}
        reply = requests.request(method, f"{url}{path}", headers=headers, timeout=WAIT_SECONDS)
        assert reply.status_code == 405
    assert sorted(path for path in store.rglob("*") if path.is_file()) == before


def test_of_two_who_save_at_once_none_overwrites_the_other(url: str, store: Path) -> None:
    first = put(url, corrections(1), If_None_Match="*")
    assert first.status_code == 204
    assert put(url, corrections(2), If_None_Match="*").status_code == 412
    assert put(url, corrections(2), If_Match='"an older one"').status_code == 412
    assert put(url, corrections(2)).status_code == 428
    assert put(url, corrections(1, 2), If_Match=first.headers["ETag"]).status_code == 204
    stored = get(f"{url}corrections/{VIDEO_ID}")
    assert [one["id"] for one in stored.json()["decisions"]] == [f"{n:032x}" for n in (1, 2)]
    kept = read_corrections(DirectoryObjectStore(store), VIDEO_ID)
    assert len(kept.decisions) == 2


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "as it was sent, is damaged"),
        ({}, "mend it"),
        ({**corrections(1), "video_id": "another"}, "corrections of another"),
        ({**corrections(1), "decisions": [{"kind": "delete"}]}, "kind is one of"),
    ],
)
def test_what_is_no_corrections_is_refused_with_a_reason(
    url: str, store: Path, document: Any, said: str
) -> None:
    reply = put(url, document, If_None_Match="*")
    assert (reply.status_code, said in reply.text) == (400, True)
    assert not (store / "corrections").exists()


def test_nothing_is_decided_of_a_video_that_is_not_there(url: str, store: Path) -> None:
    reply = requests.put(
        f"{url}corrections/nosuch",
        data=json.dumps({**corrections(1), "video_id": "nosuch"}),
        headers={"Origin": origin_of(url), "If-None-Match": "*"},
        timeout=WAIT_SECONDS,
    )
    assert (reply.status_code, reply.text) == (404, "there is no video nosuch")
    assert not (store / "corrections").exists()


def test_no_page_may_frame_it_or_keep_it(url: str) -> None:
    headers = get(f"{url}videos/{VIDEO_ID}").headers
    assert headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_data_of_a_page_is_built_once_for_a_version_of_the_manifest(
    store: Path, tmp_path: Path
) -> None:
    counted = DirectoryObjectStore(store)
    with serving(counted, tmp_path / "cache") as url:
        first, reads = get(f"{url}data/{VIDEO_ID}"), counted.requests["GET"]
        assert [clip["start"] for clip in first.json()["clips"]] == [0, 20, 45, 75]
        assert get(f"{url}data/{VIDEO_ID}").content == first.content
        assert counted.requests["GET"] == reads
        # Decisions are read anew each time, and the rest once the manifest is another one.
        assert put(url, corrections(1), If_None_Match="*").status_code == 204
        assert len(get(f"{url}data/{VIDEO_ID}").json()["decisions"]) == 1
        key = f"manifests/videos/{VIDEO_ID}.json"
        content = counted.read_bytes(key).replace(b'"width_px":128', b'"width_px":130')
        counted.write_bytes(key, content, content_type="application/json")
        assert get(f"{url}data/{VIDEO_ID}").json()["facts"] != first.json()["facts"]


def test_the_list_says_what_waits_for_review(url: str, store: Path) -> None:
    assert listed(url)["state"] == "unknown"
    from heaters_pipeline_tests.pipeline import folder_pipeline

    pipeline = folder_pipeline(store, store.parent / "local")
    assert pipeline.build_catalog().success
    pipeline.instance.dispose()
    assert (listed(url)["state"], listed(url)["waiting"]) == ("waiting", 4)
    sha256 = pipeline.manifest("source_videos").summary["sha256"]
    document = corrections(1, sha256=sha256)
    etag = put(url, document, If_None_Match="*").headers["ETag"]
    assert (listed(url)["state"], listed(url)["waiting"]) == ("begun", 3)
    for number, (start, end) in enumerate([(20, 45), (45, 75), (75, 95)], 2):
        (one,) = corrections(number, sha256=sha256)["decisions"]
        document["decisions"].append({**one, "start_frame": start, "end_frame": end})
    assert put(url, document, If_Match=etag).status_code == 204
    assert (listed(url)["state"], listed(url)["waiting"]) == ("reviewed", 0)
    (store / "corrections" / f"{VIDEO_ID}.json").write_bytes(b"no JSON")
    assert (listed(url)["state"], listed(url)["waiting"]) == ("unreadable", None)
    damaged = get(f"{url}data/{VIDEO_ID}")
    assert (damaged.status_code, "is damaged" in damaged.text) == (409, True)


def listed(url: str) -> dict[str, Any]:
    """What the page of all videos says of the one that there is."""
    data = re.search(r'<script id="data" type="application/json">(.*?)</script>', get(url).text)
    assert data is not None
    (video,) = json.loads(data[1])["videos"]
    return dict(video)


def test_the_command_prints_an_address_that_works_and_no_one_else_knows(
    processed_folder: Path, home: Path
) -> None:
    environment = {**os.environ, "HEATERS_STORE": str(processed_folder)}
    command = [sys.executable, "-c", HEATERS, "serve", "--port", "0"]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{24}/", url)
        assert get(f"{url}videos/{VIDEO_ID}").status_code == 200
        port = url.split(":")[2].split("/")[0]
        taken = subprocess.run([*command[:-1], port], env=environment, capture_output=True)
        assert taken.returncode == 1
        assert b"choose another with --port" in taken.stderr
        address = socket.gethostbyname(socket.gethostname())
        if not address.startswith("127."):
            with pytest.raises(OSError, match="refused"):
                socket.create_connection((address, int(port)), timeout=WAIT_SECONDS)
    finally:
        process.terminate()
        process.communicate()
