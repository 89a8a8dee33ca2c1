"""The boto3 client of an S3 store, set up so that it works on all servers that we know."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from heaters_pipeline.errors import StoreError
from heaters_pipeline.storage.s3.errors import without_credentials
from heaters_pipeline.storage.s3.listing_pages import take_objects, time_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class S3Options:
    """How patiently and how widely an S3 store works.

    Attributes:
        max_attempts: Requests sent at most where one fails in a way that may pass, and how often
            at most a download is begun or resumed; >= 1.
        connect_timeout_seconds: How long to wait for a connection.
        read_timeout_seconds: How long to wait for the next bytes of an answer.
        resume_delay_seconds: Pause before a broken download is resumed; doubles each time.
        max_connections: Open connections at most; >= the threads that share a store.
        multipart_threshold_bytes: Files from this size on are sent in parts.
        part_bytes: Size of a part, of which ten are held in memory; most servers take no smaller
            ones than 5 MiB. It grows where a file would have more than 10,000 parts.
        parallel_parts: Parts of one file that are sent at once.
    """

    max_attempts: int = 8
    connect_timeout_seconds: float = 10.0
    read_timeout_seconds: float = 60.0
    resume_delay_seconds: float = 0.5
    max_connections: int = 32
    multipart_threshold_bytes: int = 16 * _MEBIBYTE
    part_bytes: int = 8 * _MEBIBYTE
    parallel_parts: int = 4


def connect(options: S3Options) -> "S3Client":
    """Make a client from what the environment, a profile or a role says; sends no S3 request.

    Checksums are left to where S3 requires them: several servers answer boto3's default ones
    with errors. Requests are signed over their content all the same.

    Raises:
        StoreError: The endpoint is no URL.
        botocore.exceptions.BotoCoreError: The configuration is of no use otherwise.
    """
    config = Config(
        # Else links to a bucket of us-east-1 are signed as servers have not done for years.
        signature_version="s3v4",
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        retries={"total_max_attempts": options.max_attempts, "mode": "standard"},
        connect_timeout=options.connect_timeout_seconds,
        read_timeout=options.read_timeout_seconds,
        max_pool_connections=options.max_connections,
        tcp_keepalive=True,
    )
    try:
        session = botocore.session.get_session()
        replies = session.get_component("response_parser_factory")
        replies.set_parser_defaults(timestamp_parser=time_of)
        client = boto3.session.Session(botocore_session=session).client("s3", config=config)
    except BotoCoreError:
        raise
    except ValueError as error:
        raise StoreError(
            f"{without_credentials(str(error))}: AWS_ENDPOINT_URL must look like "
            "https://s3.example.org or http://127.0.0.1:9000"
        ) from error
    # With a wildcard it comes before botocore, which looks through all of a page for an error.
    client.meta.events.register("before-parse.*.ListObjectsV2", take_objects)
    return client
