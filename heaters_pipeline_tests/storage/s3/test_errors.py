"""What a user reads when S3 refuses, and that faults which pass are told from those that stay."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    CredentialRetrievalError,
    ParamValidationError,
    PartialCredentialsError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.parsers import ResponseParserError

from heaters_pipeline.errors import ObjectNotFoundError, StoreError, StoreUnavailableError
from heaters_pipeline.storage.s3.client import S3Options
from heaters_pipeline.storage.s3.errors import explain
from heaters_pipeline.storage.s3.store import S3ObjectStore
from heaters_pipeline_tests.servers import S3Server
from heaters_pipeline_tests.storage.s3.scripted_s3 import Reply, ScriptedS3, refusal, serving

IMPATIENT = S3Options(
    max_attempts=2,
    connect_timeout_seconds=2,
    read_timeout_seconds=2,
    resume_delay_seconds=0.01,
)
MP4 = "video/mp4"
SECRET = "top-secret"
CONTENT = b"0123456789"
ACTIONS: dict[str, Callable[[S3ObjectStore], object]] = {
    "head": lambda store: store.head("a.mp4"),
    "list": lambda store: list(store.list("")),
    "read_bytes": lambda store: store.read_bytes("a.mp4"),
    "write_bytes": lambda store: store.write_bytes("a.mp4", b"1", content_type=MP4),
    "delete": lambda store: store.delete("a.mp4"),
}
each_action = pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)


def store_at(
    server: ScriptedS3, monkeypatch: pytest.MonkeyPatch, options: S3Options = IMPATIENT
) -> S3ObjectStore:
    S3Server(server.endpoint_url, "key-id", SECRET).use(monkeypatch)
    return S3ObjectStore("films", "p", options=options)


def check_message(error: StoreError, *parts: str, secret: str = SECRET) -> None:
    text = str(error)
    assert "\n" not in text
    assert secret not in text
    for part in parts:
        assert part in text, text


@each_action
def test_wrong_secret(
    rclone_s3: S3Server, monkeypatch: pytest.MonkeyPatch, action: Callable[[S3ObjectStore], object]
) -> None:
    rclone_s3.use(monkeypatch)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    store = S3ObjectStore(rclone_s3.new_bucket(), options=IMPATIENT)
    with pytest.raises(StoreError) as caught:
        action(store)
    assert not caught.value.transient
    check_message(caught.value, "AWS_SECRET_ACCESS_KEY", store.url, rclone_s3.endpoint_url)


@each_action
def test_unknown_key_id(
    rclone_s3: S3Server, monkeypatch: pytest.MonkeyPatch, action: Callable[[S3ObjectStore], object]
) -> None:
    rclone_s3.use(monkeypatch)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    store = S3ObjectStore(rclone_s3.new_bucket(), options=IMPATIENT)
    with pytest.raises(StoreError) as caught:
        action(store)
    assert not caught.value.transient
    check_message(caught.value, "AWS_ACCESS_KEY_ID", secret=rclone_s3.secret_key)


@each_action
def test_missing_bucket(
    rclone_s3: S3Server, monkeypatch: pytest.MonkeyPatch, action: Callable[[S3ObjectStore], object]
) -> None:
    rclone_s3.use(monkeypatch)
    store = S3ObjectStore("no-such-bucket", options=IMPATIENT)
    with pytest.raises(StoreError) as caught:
        action(store)
    assert not isinstance(caught.value, ObjectNotFoundError)
    assert not caught.value.transient
    check_message(caught.value, "no such bucket", "s3://no-such-bucket", rclone_s3.endpoint_url)


def test_a_bucket_that_may_not_be_asked_for_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Reply(404), refusal(403, "AccessDenied")) as server:
        assert store_at(server, monkeypatch).head("a.mp4") is None
    assert server.seen == ["HEAD /films/p/a.mp4", "HEAD /films"]


def test_a_bucket_is_asked_for_once(rclone_s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    rclone_s3.use(monkeypatch)
    store = S3ObjectStore(rclone_s3.new_bucket())
    assert [store.head(key) for key in "abc"] == [None, None, None]
    assert store.requests == {"HeadObject": 3, "HeadBucket": 1}


@each_action
def test_no_credentials(
    rclone_s3: S3Server, monkeypatch: pytest.MonkeyPatch, action: Callable[[S3ObjectStore], object]
) -> None:
    rclone_s3.use(monkeypatch)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    store = S3ObjectStore(rclone_s3.new_bucket(), options=IMPATIENT)
    with pytest.raises(StoreError) as caught:
        action(store)
    assert not caught.value.transient
    check_message(caught.value, "no credentials", "AWS_PROFILE", secret=rclone_s3.secret_key)
    assert store.requests.total() == 0


def test_unknown_profile(rclone_s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    rclone_s3.use(monkeypatch)
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(StoreError, match=r"nobody.*AWS_PROFILE"):
        S3ObjectStore("films").head("a")


def test_the_region_need_not_be_set(rclone_s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    rclone_s3.use(monkeypatch)
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert S3ObjectStore(rclone_s3.new_bucket()).head("a") is None


@each_action
def test_unreachable_endpoint(
    monkeypatch: pytest.MonkeyPatch, action: Callable[[S3ObjectStore], object]
) -> None:
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        port = nobody_listens.getsockname()[1]
        server = S3Server(f"http://user:{SECRET}@127.0.0.1:{port}", "key-id", "s")
        server.use(monkeypatch)
        store = S3ObjectStore("films", options=S3Options(max_attempts=1))
        with pytest.raises(StoreUnavailableError) as caught:
            action(store)
    check_message(caught.value, f"http://127.0.0.1:{port}", "AWS_ENDPOINT_URL", "s3://films")


def test_an_endpoint_that_is_no_url(monkeypatch: pytest.MonkeyPatch) -> None:
    S3Server("minio:9000", "key-id", SECRET).use(monkeypatch)
    with pytest.raises(StoreError) as caught:
        S3ObjectStore("films").head("a")
    assert not caught.value.transient
    check_message(caught.value, "minio:9000", "https://")


@pytest.mark.parametrize(
    ("fault", "words", "transient"),
    [
        (PartialCredentialsError(provider="env", cred_var="AWS_X"), "AWS_X", False),
        (CredentialRetrievalError(provider="role", error_msg="a\nb"), "role: a b", False),
        (SSLError(endpoint_url="x", error="CERTIFICATE_VERIFY_FAILED"), "AWS_CA_BUNDLE", False),
        (SSLError(endpoint_url="x", error="EOF"), "the connection broke", True),
        (ReadTimeoutError(endpoint_url="x"), "stopped answering", True),
        (ProxyConnectionError(proxy_url="http://me:pw@proxy"), "no server answers", True),
        (ConnectionClosedError(endpoint_url="http://me:pw@host"), "http://host", True),
        (ResponseParserError("no XML"), "not one of S3", True),
        (ParamValidationError(report="Key\nis bad"), "Key is bad", False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_faults_without_a_reply(fault: Exception, words: str, transient: bool) -> None:
    error = explain(fault, what="s3://films/a.mp4", endpoint="https://me:pw@host:9000")
    assert error.transient is transient
    check_message(error, "s3://films/a.mp4 at https://host:9000: ", words, secret="pw")


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (refusal(403, "AccessDenied"), ["s3:GetObject", "AccessDenied"]),
        (refusal(400, "ExpiredToken"), ["expired", "aws sso login"]),
        (refusal(400, "InvalidToken"), ["AWS_SESSION_TOKEN"]),
        (refusal(403, "RequestTimeTooSkewed"), ["clock"]),
        (
            refusal(301, "PermanentRedirect", **{"x-amz-bucket-region": "eu-west-1"}),
            ["eu-west-1", "AWS_DEFAULT_REGION"],
        ),
        (refusal(403, "QuotaExceeded"), ["quota"]),
        (refusal(403, "InvalidObjectState"), ["archived", "restore"]),
        (refusal(403, "ObjectNotInActiveTierError"), ["archived", "restore"]),
        (refusal(403, "AccountProblem"), ["account", "bill"]),
        (refusal(403, "AllAccessDisabled"), ["disabled all access"]),
        (refusal(403, "InvalidPayer"), ["disabled access"]),
        (refusal(403, "NotSignedUp"), ["not signed up"]),
        (refusal(403, "UserSuspended"), ["suspended"]),
        (refusal(403, "InvalidSecurity"), ["credentials are not valid"]),
        (refusal(403, "InvalidTokenId"), ["AWS_SESSION_TOKEN"]),
        (refusal(403, "RequestExpired"), ["clock"]),
        (refusal(400, "KMS.DisabledException"), ["KMS key", "enable"]),
        (refusal(403, "SomethingNew", message="Not now."), ["403", "SomethingNew", "Not now."]),
        (
            refusal(403, "AccessDenied", message="X is not authorized to perform: kms:Decrypt on"),
            ["the permission kms:Decrypt"],
        ),
        (
            refusal(403, "Odd", message="&#x9b;31mred&#x202e;der"),
            ["\\x9b31mred\\u202eder"],
        ),
        (refusal(400, "Odd", message="Two\nlines"), ["400", "Odd", "Two lines"]),
    ],
    ids=lambda value: value.status if isinstance(value, Reply) else "",
)
@pytest.mark.parametrize("name", ["head", "read_bytes"])
def test_refusals_stay(
    monkeypatch: pytest.MonkeyPatch, name: str, reply: Reply, words: list[str]
) -> None:
    with serving(reply) as server:
        store = store_at(server, monkeypatch)
        with pytest.raises(StoreError) as caught:
            ACTIONS[name](store)
    assert not isinstance(caught.value, ObjectNotFoundError)
    assert not caught.value.transient
    check_message(caught.value, "s3://films/p/a.mp4", *words)
    assert str(caught.value).isprintable()
    assert ("permission" in str(caught.value)) is (b"AccessDenied" in reply.body)


@pytest.mark.parametrize(
    ("name", "permission"),
    [
        ("head", "s3:GetObject"),
        ("read_bytes", "s3:GetObject"),
        ("list", "s3:ListBucket"),
        ("write_bytes", "s3:PutObject"),
        ("delete", "s3:DeleteObject"),
    ],
)
def test_a_denial_names_the_permission_and_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, permission: str
) -> None:
    with serving(refusal(403, "AccessDenied")) as server:
        store = store_at(server, monkeypatch)
        with pytest.raises(StoreError, match=permission) as caught:
            ACTIONS[name](store)
    assert not caught.value.transient
    # The reply to a HEAD has no reason in it; that is asked for with one GET.
    assert len(server.seen) == (2 if name == "head" else 1)


@pytest.mark.parametrize(
    ("name", "reply"),
    [
        *((name, refusal(503, "SlowDown")) for name in ACTIONS),
        ("head", Reply(reset=True)),
        ("write_bytes", Reply(reset=True)),
        ("head", refusal(429, "TooManyRequests")),
        ("read_bytes", refusal(500, "InternalError")),
        ("read_bytes", Reply(502, b"<html>Bad gateway</html>")),
    ],
)
def test_faults_that_may_pass(monkeypatch: pytest.MonkeyPatch, name: str, reply: Reply) -> None:
    with serving(reply) as server:
        store = store_at(server, monkeypatch)
        with pytest.raises(StoreUnavailableError) as caught:
            ACTIONS[name](store)
    check_message(caught.value, "s3://films/p", server.endpoint_url)
    assert store.requests.total() == len(server.seen) == IMPATIENT.max_attempts


def test_a_fault_that_passes_is_not_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(refusal(503, "SlowDown"), Reply(body=CONTENT)) as server:
        store = store_at(server, monkeypatch)
        assert store.read_bytes("a.mp4") == CONTENT
    assert store.requests == {"GetObject": 2}


def test_a_put_whose_reply_is_lost_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Reply(reset=True), Reply(headers={"ETag": '"new"'})) as server:
        store = store_at(server, monkeypatch)
        assert store.write_bytes("a.mp4", CONTENT, content_type=MP4).version == "new-10"
    assert server.seen == ["PUT /films/p/a.mp4"] * 2


def test_no_checksum_is_sent_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ceph answers those that boto3 sends by default over HTTPS with MissingContentLength."""
    with serving(Reply()) as server:
        ACTIONS["write_bytes"](store_at(server, monkeypatch))
    names = " ".join(server.headers[0])
    assert "x-amz-content-sha256" in names
    assert "checksum" not in names
    assert "trailer" not in names


def test_a_name_that_is_no_text(rclone_s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    rclone_s3.use(monkeypatch)
    store = S3ObjectStore("films")
    for act in [store.head, store.read_bytes, store.delete, lambda key: list(store.list(key))]:
        with pytest.raises(StoreError, match="UTF-8"):
            act("source_videos/caf\udce9.mp4")


def test_a_page_that_is_not_of_s3(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Reply(body=b"<html><p>Welcome</html>")) as server:
        store = store_at(server, monkeypatch)
        with pytest.raises(StoreUnavailableError, match="AWS_ENDPOINT_URL"):
            list(store.list(""))


BROKEN = Reply(body=CONTENT, sent_bytes=4)


def rest(first: int, *, status: int = 206, etag: str = '"etag-1"') -> Reply:
    content_range = f"bytes {first}-9/10"
    return Reply(status, CONTENT[first:], {"Content-Range": content_range, "ETag": etag})


@pytest.mark.parametrize(
    "second",
    [rest(4), rest(4, status=200, etag="etag-1"), Reply(body=CONTENT)],
    ids=["partial", "like-rclone", "range-ignored"],
)
def test_a_broken_download_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, second: Reply
) -> None:
    moved: list[int] = []
    with serving(BROKEN, second) as server:
        store = store_at(server, monkeypatch)
        info = store.fetch("a.mp4", tmp_path / "a.mp4", on_progress=moved.append)
    assert (tmp_path / "a.mp4").read_bytes() == CONTENT
    assert info.version == "etag-1-10"
    assert moved == [4, 6]
    assert server.ranges == [None, "bytes=4-"]


def test_a_download_may_break_several_times(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    again = Reply(206, CONTENT[4:], {"Content-Range": "bytes 4-9/10"}, sent_bytes=3)
    options = S3Options(max_attempts=3, resume_delay_seconds=0.01)
    with serving(BROKEN, again, rest(7)) as server:
        store = store_at(server, monkeypatch, options)
        assert store.read_bytes("a.mp4") == CONTENT
    assert server.ranges == [None, "bytes=4-", "bytes=7-"]


@pytest.mark.parametrize(
    ("second", "error"),
    [
        (Reply(206, b"", {"Content-Range": "bytes 4-9/10"}, sent_bytes=0), StoreUnavailableError),
        (BROKEN, StoreUnavailableError),
        (rest(4, etag='"etag-2"'), StoreUnavailableError),
        (Reply(body=CONTENT + b"!", headers={"ETag": '"etag-1"'}), StoreUnavailableError),
        (rest(6), StoreUnavailableError),
        (refusal(416, "InvalidRange"), StoreUnavailableError),
        (refusal(404, "NoSuchKey"), ObjectNotFoundError),
        (refusal(403, "AccessDenied"), StoreError),
    ],
    ids=["empty", "again", "replaced", "longer", "elsewhere", "shorter", "deleted", "denied"],
)
def test_a_broken_download_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, second: Reply, error: type[StoreError]
) -> None:
    with serving(BROKEN, second) as server:
        store = store_at(server, monkeypatch)
        with pytest.raises(error) as caught:
            store.fetch("a.mp4", tmp_path / "a.mp4")
    assert type(caught.value) is error
    assert list(tmp_path.iterdir()) == []
