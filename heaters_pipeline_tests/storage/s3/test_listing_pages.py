"""Pages of a listing say the same whether botocore reads their objects or we do."""

from datetime import UTC, datetime

import boto3
import botocore.parsers
import pytest

from heaters_pipeline.errors import StoreError
from heaters_pipeline.storage.object_store import ObjectInfo
from heaters_pipeline.storage.s3.client import S3Options
from heaters_pipeline.storage.s3.store import S3ObjectStore
from heaters_pipeline_tests.servers import S3Server
from heaters_pipeline_tests.storage.s3.scripted_s3 import Reply, ScriptedS3, refusal, serving

SPACE = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
WHEN = "2026-11-02T10:00:00.000Z"
SOME = "<Key>p/a%20b%2B%26.mp4</Key><LastModified>{when}</LastModified>{etag}<Size>5</Size>"
OTHER = (
    "<ETag>W/&quot;e2&quot;</ETag><Size>70000000000</Size><Key>p/c&amp;d</Key>"
    "<StorageClass>STANDARD</StorageClass><LastModified>2026-11-02T10:00:00Z</LastModified>"
    "<Owner><ID>1</ID><Key>not/this</Key></Owner>"
)


def page(*entries: str, space: str = SPACE, token: str = "") -> Reply:
    """A page as S3 writes it, with what stands in its objects."""
    contents = "".join(f"<Contents>{entry}</Contents>" for entry in entries)
    more = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    return Reply(
        body=(
            f"<?xml version='1.0' encoding='UTF-8'?><ListBucketResult{space}><Name>films</Name>"
            f"<EncodingType>url</EncodingType><IsTruncated>{str(bool(token)).lower()}</IsTruncated>"
            f"{more}{contents}</ListBucketResult>"
        ).encode()
    )


def some(*, when: str = WHEN, etag: str = "<ETag>&quot;e1&quot;</ETag>") -> str:
    return SOME.format(when=when, etag=etag)


def store_at(server: ScriptedS3, monkeypatch: pytest.MonkeyPatch) -> S3ObjectStore:
    S3Server(server.endpoint_url, "key-id", "secret").use(monkeypatch)
    return S3ObjectStore("films", "p", options=S3Options(max_attempts=2))


@pytest.mark.parametrize("space", [SPACE, ""])
def test_objects_of_all_pages_are_listed_with_their_facts(
    monkeypatch: pytest.MonkeyPatch, space: str
) -> None:
    read = []
    parse = botocore.parsers.RestXMLParser.parse

    def noted(self: botocore.parsers.RestXMLParser, response: dict, shape: object) -> object:
        read.append(response["body"].count(b"Key"))
        return parse(self, response, shape)

    monkeypatch.setattr(botocore.parsers.RestXMLParser, "parse", noted)
    pages = [page(some(), space=space, token="next"), page(OTHER, space=space), page(space=space)]
    with serving(*pages) as server:
        store = store_at(server, monkeypatch)
        found = list(store.list(""))
        assert list(store.list("")) == []
    when = datetime(2026, 11, 2, 10, tzinfo=UTC)
    assert found == [
        ObjectInfo("a b+&.mp4", 5, "e1", when),
        ObjectInfo("c&d", 70_000_000_000, "e2", when),
    ]
    # Botocore itself was given no object, which is what takes its time.
    assert read == [0, 0, 0]


def test_botocore_reads_the_same_without_us(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(page(some(), OTHER)) as server:
        ours = list(store_at(server, monkeypatch).list(""))
        client = boto3.client("s3", endpoint_url=server.endpoint_url)
        assert list(S3ObjectStore("films", "p", client=client).list("")) == ours


def test_a_time_in_words_is_read_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(page(some(when="Mon, 02 Nov 2026 10:00:00 GMT"))) as server:
        (found,) = store_at(server, monkeypatch).list("")
    assert found.modified == datetime(2026, 11, 2, 10, tzinfo=UTC)


def test_errors_are_told_as_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(refusal(403, "AccessDenied")) as server:
        store = store_at(server, monkeypatch)
        with pytest.raises(StoreError, match="AccessDenied"):
            list(store.list(""))
    # A page that broke off, and an error that came as if all were well, are asked for again.
    for broken in (Reply(body=b"<ListBucketResult><Contents>"), refusal(200, "InternalError")):
        with serving(broken, page(some())) as server:
            assert len(list(store_at(server, monkeypatch).list(""))) == 1
            assert len(server.seen) == 2
