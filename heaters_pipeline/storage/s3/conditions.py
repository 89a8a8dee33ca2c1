"""Write an object of a bucket only if it is still the one that was seen."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from heaters_pipeline.errors import ObjectChangedError
from heaters_pipeline.storage.object_store import ObjectInfo
from heaters_pipeline.storage.s3.errors import status_of
from heaters_pipeline.storage.s3.replies import plain_etag

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_UNKNOWN_CONDITION = 501
_NOT_MET = (409, 412)


def put_if_unchanged(
    client: "S3Client", put: Mapping[str, Any], data: bytes, expected: ObjectInfo | None
) -> str:
    """Send an object with a condition; without one to a server that refuses conditions.

    Args:
        client: Of the bucket.
        put: Arguments of ``put_object`` but for the content, ``Bucket`` and ``Key`` among them.
        data: The content.
        expected: What is to be replaced; None if there was no object.
    Returns:
        The new object's etag, without quotes.
    Raises:
        ObjectChangedError: Another object has the key by now.
    """
    condition: dict[str, Any] = {"IfNoneMatch": "*"}
    if expected is not None:
        condition = {"IfMatch": f'"{expected.etag}"'}
    try:
        return plain_etag(client.put_object(Body=data, **put, **condition)["ETag"])
    except ClientError as error:
        if status_of(error) == _UNKNOWN_CONDITION:
            return plain_etag(client.put_object(Body=data, **put)["ETag"])
        if status_of(error) not in _NOT_MET:
            raise
        # The reply to a first attempt may have been lost, and this is that to its repetition.
        there = client.get_object(Bucket=put["Bucket"], Key=put["Key"])
        if there["Body"].read() != data:
            raise ObjectChangedError(f"{put['Key']} was changed meanwhile") from error
        return plain_etag(there["ETag"])
