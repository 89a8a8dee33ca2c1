"""A store in a bucket of S3, or of any server that speaks its protocol."""

import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO

from boto3.s3.transfer import (
    ProgressCallbackInvoker,
    TransferConfig,
    create_transfer_manager,
)
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ClientError

from heaters_pipeline.errors import ObjectChangedError, StoreError, StoreUnavailableError
from heaters_pipeline.storage.local_files import (
    opened_source,
    os_errors_explained,
    publish,
    same_content,
    temporary_file,
)
from heaters_pipeline.storage.object_store import (
    BoundedBuffer,
    Leftover,
    ObjectInfo,
    ProgressCallback,
)
from heaters_pipeline.storage.s3.client import S3Options, connect
from heaters_pipeline.storage.s3.conditions import put_if_unchanged
from heaters_pipeline.storage.s3.downloads import download
from heaters_pipeline.storage.s3.errors import (
    S3_FAULTS,
    explain,
    is_unknown_upload,
    status_of,
)
from heaters_pipeline.storage.s3.replies import Progress, plain_etag
from heaters_pipeline.storage.s3.uploads import Uploads

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import (
        GetObjectOutputTypeDef,
        ListObjectsV2RequestPaginateTypeDef,
    )

_LINK_SECONDS = 7 * 24 * 3600
"""The longest that S3 takes."""

_STATUS_OF_MANY_REASONS = (301, 400, 403)
_DEFAULT_OPTIONS = S3Options()


class S3ObjectStore:
    """Objects in a bucket, under a prefix.

    Credentials, region and endpoint come from where the AWS tools take them: environment,
    profile, role; ``AWS_ENDPOINT_URL`` names another server. Nothing is asked, not even for
    credentials, before the first request.

    A PUT whose reply was lost is sent again. The last request of an upload in parts cannot be, so
    that the object is then compared with the file.

    Args:
        bucket: Name of the bucket, which must exist.
        prefix: What stands before each key, with or without ``/`` at its end.
        client: A boto3 S3 client to use in place of an own one.
        options: Patience and parallelism.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        *,
        client: "S3Client | None" = None,
        options: S3Options = _DEFAULT_OPTIONS,
    ) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._options = options
        self._lock = threading.Lock()
        self._requests: Counter[str] = Counter()
        self._bucket_seen = False
        self._uploads = Uploads(bucket, options)
        self._client = client
        if client is not None:
            self._listen(client)

    @property
    def url(self) -> str:
        """``s3://bucket/prefix``."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    @property
    def requests(self) -> Counter[str]:
        """HTTP requests sent so far by operation name, retries included."""
        with self._lock:
            return self._requests.copy()

    @property
    def settle_seconds(self) -> float:
        """0: S3 shows objects only when they are whole."""
        return 0.0

    def link(self, key: str) -> str:
        """A presigned URL, good for a week at most; sends no request to the bucket.

        Raises:
            StoreError: There are no credentials to sign it with.
        """
        with self._faults_explained(key):
            return self._s3.generate_presigned_url(
                "get_object",
                Params={"Bucket": self._bucket, "Key": self._full(key)},
                ExpiresIn=_LINK_SECONDS,
            )

    def head(self, key: str) -> ObjectInfo | None:
        """The object's facts, or None if there is no such object.

        Raises:
            StoreError: It cannot be told, for want of a permission or of the bucket.
        """
        with self._faults_explained(key):
            try:
                reply = self._s3.head_object(Bucket=self._bucket, Key=self._full(key))
            except ClientError as error:
                if status_of(error) == 404:
                    self._require_bucket()
                    return None
                raise self._reason_of_refused_head(key, error) from error
        return ObjectInfo(
            key=key,
            size_bytes=reply["ContentLength"],
            etag=plain_etag(reply["ETag"]),
            modified=reply["LastModified"].astimezone(UTC),
        )

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[ObjectInfo]:
        """All objects whose key starts with ``prefix``, in ascending order of UTF-8 bytes."""
        request: ListObjectsV2RequestPaginateTypeDef = {
            "Bucket": self._bucket,
            "Prefix": self._full(prefix),
        }
        if start_after:
            request["StartAfter"] = self._full(start_after)
        with self._faults_explained(prefix):
            for page in self._s3.get_paginator("list_objects_v2").paginate(**request):
                for entry in page.get("Contents", ()):
                    yield ObjectInfo(
                        key=entry["Key"].removeprefix(self._prefix),
                        size_bytes=entry["Size"],
                        etag=plain_etag(entry["ETag"]),
                        modified=entry["LastModified"].astimezone(UTC),
                    )

    def read_bytes(self, key: str, *, max_bytes: int | None = None) -> bytes:
        """The whole content."""
        content = BoundedBuffer(key, max_bytes)
        with self._faults_explained(key):
            self._download(key, content, None)
        return content.getvalue()

    def write_bytes(self, key: str, data: bytes, *, content_type: str) -> ObjectInfo:
        """Create or replace an object, whole."""
        return self._put(key, BytesIO(data), len(data), content_type)

    def replace_bytes(
        self, key: str, data: bytes, *, content_type: str, expected: ObjectInfo | None
    ) -> ObjectInfo:
        """Replace an object as it was seen, by a condition where the server knows it."""
        if self.head(key) != expected:
            raise ObjectChangedError(f"{self.url}/{key} was changed meanwhile")
        with self._faults_explained(key):
            put = {"Bucket": self._bucket, "Key": self._full(key), "ContentType": content_type}
            etag = put_if_unchanged(self._s3, put, data, expected)
        return ObjectInfo(key, len(data), etag, datetime.now(UTC))

    def put_file(
        self,
        key: str,
        path: Path,
        *,
        content_type: str,
        on_progress: ProgressCallback | None = None,
    ) -> ObjectInfo:
        """Create or replace an object from a local file, whole; leaves nothing if it fails."""
        progress = Progress(on_progress)
        with opened_source(path, key) as source:
            size_bytes = os.fstat(source.fileno()).st_size
            if size_bytes < self._options.multipart_threshold_bytes:
                info = self._put(key, source, size_bytes, content_type)
                progress.moved(size_bytes)
                return info
            return self._put_parts(key, source, size_bytes, content_type, progress)

    def fetch(
        self, key: str, path: Path, *, on_progress: ProgressCallback | None = None
    ) -> ObjectInfo:
        """Copy an object into a local file, which appears only when it is complete."""
        with (
            os_errors_explained(f"cannot write {path}"),
            temporary_file(path.parent) as target,
            self._faults_explained(key),
        ):
            info = self._download(key, target, on_progress)
            publish(target, path)
        return info

    def local_path(self, key: str) -> Path | None:
        """None: objects have to be fetched."""
        return None

    def delete(self, key: str) -> None:
        """Remove an object; removing an absent one is no error."""
        with self._faults_explained(key):
            self._s3.delete_object(Bucket=self._bucket, Key=self._full(key))

    def tidy(self) -> None:
        """Nothing: uploads of killed processes are told from those of others by their age alone."""

    def now(self) -> datetime:
        """What time it is for the server."""
        with self._faults_explained(""):
            reply = self._s3.head_bucket(Bucket=self._bucket)
        return parsedate_to_datetime(reply["ResponseMetadata"]["HTTPHeaders"]["date"])

    def leftovers(self) -> Iterator[Leftover]:
        """Multipart uploads that were neither completed nor aborted."""
        with self._faults_explained(""):
            for found in self._uploads.unfinished(self._s3, self._prefix):
                key = found["Key"].removeprefix(self._prefix)
                yield Leftover(key, found["Initiated"].astimezone(UTC), found["UploadId"])

    def remove(self, leftover: Leftover) -> None:
        """Abort a multipart upload."""
        with self._faults_explained(leftover.name):
            self._uploads.end(self._s3, self._full(leftover.name), leftover.upload_id)

    @property
    def _s3(self) -> "S3Client":
        """The client, made when it is first needed: making one looks for credentials."""
        with self._lock:
            if self._client is None:
                self._client = connect(self._options)
                self._listen(self._client)
            return self._client

    def _listen(self, client: "S3Client") -> None:
        client.meta.events.register("before-send.s3", self._count)
        self._uploads.listen(client)

    def _count(self, request: AWSPreparedRequest, event_name: str, **_: object) -> None:
        with self._lock:
            self._requests[event_name.rpartition(".")[2]] += 1

    def _full(self, key: str) -> str:
        """The key in the bucket.

        Raises:
            StoreError: It is no text, such as the name of a file that is not UTF-8.
        """
        try:
            key.encode()
        except UnicodeEncodeError as error:
            raise StoreError(
                f"{key!r} cannot be a key in {self.url}: S3 takes names in UTF-8 only, rename it"
            ) from error
        return f"{self._prefix}{key}"

    @contextmanager
    def _faults_explained(self, key: str) -> Iterator[None]:
        try:
            yield
        except S3_FAULTS as error:
            endpoint = self._client.meta.endpoint_url if self._client else "S3"
            raise explain(error, what=f"{self.url}/{key}", endpoint=endpoint) from error

    def _reason_of_refused_head(self, key: str, refusal: ClientError) -> ClientError:
        """The same refusal with its reason: a reply to HEAD has no body that could give one."""
        if status_of(refusal) not in _STATUS_OF_MANY_REASONS:
            return refusal
        try:
            reply = self._s3.get_object(Bucket=self._bucket, Key=self._full(key), Range="bytes=0-0")
        except ClientError as error:
            return error if status_of(error) == status_of(refusal) else refusal
        reply["Body"].close()
        return refusal

    def _require_bucket(self) -> None:
        """Tell, once, an absent object from an absent bucket: HEAD answers 404 to both."""
        if self._bucket_seen:
            return
        try:
            self._s3.head_bucket(Bucket=self._bucket)
        except ClientError as error:
            if status_of(error) != 403:
                raise
        self._bucket_seen = True

    def _put(self, key: str, source: BinaryIO, size_bytes: int, content_type: str) -> ObjectInfo:
        with self._faults_explained(key):
            reply = self._s3.put_object(
                Bucket=self._bucket,
                Key=self._full(key),
                Body=source,
                ContentLength=size_bytes,
                ContentType=content_type,
            )
        return ObjectInfo(key, size_bytes, plain_etag(reply["ETag"]), datetime.now(UTC))

    def _put_parts(
        self,
        key: str,
        source: BinaryIO,
        size_bytes: int,
        content_type: str,
        progress: Progress,
    ) -> ObjectInfo:
        """Send a file in parts, which the server puts together; aborted if anything fails.

        Its etag has to be asked for: what rclone answers at the end is not what it says later.
        """
        config = TransferConfig(
            multipart_threshold=self._options.multipart_threshold_bytes,
            multipart_chunksize=self._options.part_bytes,
            max_concurrency=self._options.parallel_parts,
            preferred_transfer_client="classic",
        )
        with (
            self._faults_explained(key),
            self._uploads.ended_if_failed(self._s3, self._full(key)),
            create_transfer_manager(self._s3, config) as manager,
        ):
            # An open file, not its path: for a path every part opens the file, and an upload
            # that is cancelled leaves those open.
            upload = manager.upload(
                source,
                self._bucket,
                self._full(key),
                extra_args={"ContentType": content_type},
                subscribers=[ProgressCallbackInvoker(progress.moved)],
            )
            try:
                upload.result()
            except ClientError as error:
                # What a server says whose first reply to the last request was lost.
                if not (is_unknown_upload(error) and self._holds(key, source, size_bytes)):
                    raise
        info = self.head(key)
        if info is None or info.size_bytes != size_bytes:
            raise StoreUnavailableError(
                f"{self.url}/{key} was replaced or removed while it was uploaded: try again"
            )
        return info

    def _holds(self, key: str, source: BinaryIO, size_bytes: int) -> bool:
        """Whether an object has exactly the content of a file; its size alone proves little."""
        info = self.head(key)
        if info is None or info.size_bytes != size_bytes:
            return False
        with os_errors_explained(f"cannot compare {key}"), TemporaryFile() as stored:
            self._download(key, stored, None)
            return same_content(source, stored)

    def _download(
        self, key: str, target: BinaryIO, on_progress: ProgressCallback | None
    ) -> ObjectInfo:
        bucket, full_key = self._bucket, self._full(key)

        def get_from(start: int) -> "GetObjectOutputTypeDef":
            if not start:
                return self._s3.get_object(Bucket=bucket, Key=full_key)
            return self._s3.get_object(Bucket=bucket, Key=full_key, Range=f"bytes={start}-")

        return download(get_from, key, target, Progress(on_progress), self._options)
