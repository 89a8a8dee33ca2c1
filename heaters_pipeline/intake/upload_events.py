"""Events of a bucket that tell of uploads, from a queue of SQS.

An event only says where to look: what lies there decides, so that it does no harm if an event comes
twice, late or in another order, or is somebody's invention. One that was received is hidden for a
while and comes again, until it is removed.
"""

import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus, urlsplit

import boto3
from botocore.config import Config

from heaters_pipeline.errors import SettingsError, printable
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.s3.errors import S3_FAULTS, explain

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import DeleteMessageBatchRequestEntryTypeDef

SETTING = "HEATERS_EVENTS_QUEUE"
HIDDEN_SECONDS = 120
"""How long a message that was received does not come again: some ticks, until its run is there."""
_AT_ONCE = 10
"""The most messages that SQS gives or removes in a request."""
_SHOWN_CHARACTERS = 200

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the queue.

    Attributes:
        handle: By which this receipt of it is removed.
        keys: Where something was put under ``source_videos/``; none if it tells of no upload.
    """

    handle: str
    keys: frozenset[str]


class UploadEvents:
    """The queue to which a bucket sends its ``ObjectCreated`` events.

    Args:
        url: Of the queue.
        bucket: Of the store.
        prefix: Of the store in it, with ``/`` at its end, or empty.
    """

    def __init__(self, url: str, bucket: str, prefix: str) -> None:
        self._url = url
        self._bucket = bucket
        self._prefix = prefix
        self._client: SQSClient | None = None

    def receive(self, most: int) -> list[Message]:
        """The next messages; those that tell of nothing that could ever be used are removed.

        Args:
            most: How many, rounded up to tens.
        Raises:
            StoreUnavailableError: The queue does not answer.
            StoreError: It may not be read, or is not there.
        """
        messages: list[Message] = []
        useless: list[Message] = []
        while len(messages) + len(useless) < most:
            with self._faults_explained():
                # Without waiting, SQS asks a few of its machines only and may miss messages.
                reply = self._sqs.receive_message(
                    QueueUrl=self._url,
                    MaxNumberOfMessages=_AT_ONCE,
                    VisibilityTimeout=HIDDEN_SECONDS,
                    WaitTimeSeconds=1,
                )
            received = reply.get("Messages", [])
            if not received:
                break
            for each in received:
                found = self._uploads(each["Body"])
                told = messages if found else useless
                told.append(Message(each["ReceiptHandle"], frozenset(found or ())))
        self.remove(useless)
        return messages

    def remove(self, messages: Iterable[Message]) -> None:
        """Let messages come no more; one that is gone, or cannot be removed now, is no error."""
        handles = [message.handle for message in messages]
        for first in range(0, len(handles), _AT_ONCE):
            entries: list[DeleteMessageBatchRequestEntryTypeDef] = [
                {"Id": str(number), "ReceiptHandle": handle}
                for number, handle in enumerate(handles[first : first + _AT_ONCE])
            ]
            with self._faults_explained():
                self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)

    def _uploads(self, body: str) -> list[str]:
        """The keys of uploads of which a message tells; why it tells of none is logged."""
        try:
            content = json.loads(body)
            if content.get("Event") == "s3:TestEvent":
                _logger.info("%s gets the events of %s", self._url, content.get("Bucket"))
                return []
            told = [found for record in content["Records"] if (found := self._upload(record))]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            shown = printable(body[:_SHOWN_CHARACTERS])
            _logger.warning("a message that is no event of S3 is dropped (%r): %s", error, shown)
            return []
        return told

    def _upload(self, record: dict[str, Any]) -> str | None:
        if not record["eventName"].startswith("ObjectCreated:"):
            return None
        bucket = record["s3"]["bucket"]["name"]
        # As a form of a web page spells it: spaces are plus signs.
        full_key = unquote_plus(record["s3"]["object"]["key"])
        key = full_key.removeprefix(self._prefix)
        if bucket != self._bucket or not full_key.startswith(self._prefix + keys.SOURCE_PREFIX):
            return None
        return key

    @property
    def _sqs(self) -> "SQSClient":
        if self._client is None:
            config = Config(
                retries={"total_max_attempts": 4, "mode": "standard"},
                connect_timeout=10,
                read_timeout=20,
            )
            self._client = boto3.session.Session().client("sqs", config=config)
        return self._client

    @contextmanager
    def _faults_explained(self) -> Iterator[None]:
        try:
            yield
        except S3_FAULTS as error:
            endpoint = self._client.meta.endpoint_url if self._client else "SQS"
            raise explain(error, what=self._url, endpoint=endpoint) from error


def events_of(store_url: str, queue_url: str) -> UploadEvents:
    """The queue that tells of uploads to a store.

    Raises:
        SettingsError: The setting is no URL of a queue, or the store is a folder.
    """
    store, queue = urlsplit(store_url), urlsplit(queue_url)
    if queue.scheme not in ("http", "https") or queue.path.strip("/") == "":
        raise SettingsError(
            f"{SETTING} must be the URL of a queue, such as "
            "https://sqs.eu-west-1.amazonaws.com/123456789012/uploads"
        )
    if store.scheme != "s3":
        raise SettingsError(f"{SETTING} is for a store in a bucket, and this one is {store_url}")
    prefix = store.path.strip("/")
    return UploadEvents(queue_url, store.netloc, f"{prefix}/" if prefix else "")
