"""What S3 servers and boto3 say when something fails, in words that help."""

import re
from collections.abc import Mapping
from typing import cast

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
    TokenRetrievalError,
)
from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from heaters_pipeline.errors import ObjectNotFoundError, StoreError, StoreUnavailableError

S3_FAULTS = (BotoCoreError, ClientError, ResponseParserError, HTTPError)
"""Everything that boto3 raises for a request, and the stream of a reply while it is read."""

STREAM_FAULTS = (HTTPClientError, IncompleteReadError, HTTPError)
"""What a reply's stream raises when it breaks."""

_PERMISSIONS = {
    "HeadObject": "s3:GetObject on its objects, and s3:ListBucket to learn what is absent",
    "GetObject": "s3:GetObject on its objects, and s3:ListBucket to learn what is absent",
    "ListObjectsV2": "s3:ListBucket on it",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads on it",
    "ListParts": "s3:ListMultipartUploadParts on its objects",
    "DeleteObject": "s3:DeleteObject on its objects",
}
_DENIED = ("AccessDenied", "AccessForbidden", "Forbidden", "UnauthorizedAccess", "403", "")
"""What servers call a want of permission; the last two where a reply has no body."""
_ACTION = re.compile(r"not authorized to perform:? ([a-z0-9-]+:[A-Za-z]+)")
_PERMISSION_TO_WRITE = "s3:PutObject and s3:AbortMultipartUpload on its objects"

_WRONG_REGION = "it lies in another region{region}: set AWS_DEFAULT_REGION to that of the bucket"
_EXPIRED = "the session token has expired: get new credentials, for example by aws sso login"
_ARCHIVED = (
    "the object is archived, and cannot be read before it was restored: restore it, for example by "
    "aws s3api restore-object, and try again when that is done"
)
_REFUSALS = {
    "InvalidObjectState": _ARCHIVED,
    "ObjectNotInActiveTierError": _ARCHIVED,
    "AccountProblem": (
        "there is a problem with the account that stops all requests, such as a bill: its owner "
        "has to settle it with the provider"
    ),
    "AllAccessDisabled": "the provider has disabled all access to it: its owner has to ask why",
    "InvalidPayer": "the provider has disabled access to it: its owner has to ask why",
    "NotSignedUp": "the account is not signed up for S3: its owner has to do that",
    "UserSuspended": "the user of the access key is suspended: the server's operator can end that",
    "InvalidSecurity": "the credentials are not valid: get new ones",
    "InvalidTokenId": "the session token is not valid: correct or unset AWS_SESSION_TOKEN",
    "RequestExpired": "the request came too late: set this machine's clock",
    "KMS.DisabledException": "the KMS key that it is encrypted with is disabled: enable it",
    "NoSuchBucket": "there is no such bucket: create it, or correct its name or AWS_ENDPOINT_URL",
    "InvalidBucketName": "that is no bucket name there: correct it",
    "InvalidAccessKeyId": "the access key id is unknown: correct AWS_ACCESS_KEY_ID or AWS_PROFILE",
    "SignatureDoesNotMatch": (
        "the secret key does not fit the access key id: correct AWS_SECRET_ACCESS_KEY"
    ),
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "TokenRefreshRequired": _EXPIRED,
    "InvalidToken": "the session token is not valid: correct or unset AWS_SESSION_TOKEN",
    "RequestTimeTooSkewed": "this machine's clock is wrong: set it",
    "PermanentRedirect": _WRONG_REGION,
    "AuthorizationHeaderMalformed": _WRONG_REGION,
    "IllegalLocationConstraintException": _WRONG_REGION,
    "301": _WRONG_REGION,
    "QuotaExceeded": "the quota is used up: free some space, or have it raised",
    "KeyTooLongError": "the key is too long: use a shorter name",
    "EntityTooLarge": "the object is larger than the server takes",
    "MethodNotAllowed": "it does not speak S3: correct AWS_ENDPOINT_URL",
}

_MAY_PASS = {
    "RequestTimeout": "the data came too slowly",
    "IncompleteBody": "the connection broke while sending",
    "BadDigest": "the data was damaged on its way",
    "XAmzContentSHA256Mismatch": "the data was damaged on its way",
    "NoSuchUpload": "the multipart upload was ended by another",
    "OperationAborted": "another request to the same object is under way",
    "InvalidRange": "the object was replaced meanwhile",
    "SlowDown": "it asks for fewer requests",
}
_THROTTLED_STATUS = 429
_NOT_IMPLEMENTED_STATUS = 501


def status_of(error: ClientError) -> int:
    """The HTTP status of a refused request."""
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def is_unknown_upload(error: ClientError) -> bool:
    """Whether a multipart upload could not be ended because it had been ended before.

    The body that names the reason may be lost on its way, which leaves the status.
    """
    code = error.response.get("Error", {}).get("Code")
    return error.operation_name == "CompleteMultipartUpload" and code in ("NoSuchUpload", "404")


def explain(error: Exception, *, what: str, endpoint: str) -> StoreError:
    """The store error that says in one line what failed, where, and what to do.

    Args:
        error: One of ``S3_FAULTS``.
        what: The URL of the object or listing that was asked for.
        endpoint: Where the requests went.
    """
    place = f"{what} at {without_credentials(endpoint)}"
    if isinstance(error, ClientError):
        return _explain_reply(error, place)
    return _explain_no_reply(error, place)


def without_credentials(text: str) -> str:
    """A text without the user and password that some write into the URL of an endpoint."""
    return re.sub(r"//[^/@\s]*@", "//", text)


def _explain_reply(error: ClientError, place: str) -> StoreError:
    facts = cast(Mapping[str, str], error.response.get("Error", {}))
    code = facts.get("Code", "")
    status = status_of(error)
    operation = error.operation_name
    if is_unknown_upload(error):
        code = "NoSuchUpload"
    if code in _MAY_PASS:
        return StoreUnavailableError(f"{place}: {_MAY_PASS[code]} ({code})")
    if status == 404 and operation == "HeadBucket":
        code = "NoSuchBucket"
    if code in _REFUSALS:
        region = facts.get("Region") or _region_header(error)
        text = _REFUSALS[code].format(region=f" ({region})" if region else "")
        return StoreError(f"{place}: {text} ({code})")
    if status == 404 and operation in ("HeadObject", "GetObject"):
        return ObjectNotFoundError(f"{place}: there is no such object")
    if status == 403 and code in _DENIED:
        named = _ACTION.search(facts.get("Message", ""))
        permission = named.group(1) if named else _PERMISSIONS.get(operation, _PERMISSION_TO_WRITE)
        return StoreError(
            f"{place}: access is denied to {operation}: give these credentials the permission "
            f"{permission} ({code})"
        )
    message = " ".join(facts.get("Message", "").split())[:200]
    answer = f"{operation} was answered with {status} {code} {message}".rstrip()
    if (status >= 500 and status != _NOT_IMPLEMENTED_STATUS) or status == _THROTTLED_STATUS:
        return StoreUnavailableError(
            f"{place}: {answer}; if it stays so, check AWS_ENDPOINT_URL, too"
        )
    return StoreError(f"{place}: {answer}")


def _region_header(error: ClientError) -> str:
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return str(headers.get("x-amz-bucket-region", ""))


def _explain_no_reply(error: Exception, place: str) -> StoreError:
    text = without_credentials(" ".join(str(error).split()))[:300]
    match error:
        case NoCredentialsError():
            return StoreError(
                f"{place}: no credentials were found: set AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
            )
        case PartialCredentialsError() | CredentialRetrievalError() | TokenRetrievalError():
            return StoreError(f"{place}: the credentials are of no use: {text}")
        case ProfileNotFound():
            return StoreError(f"{place}: {text}: correct AWS_PROFILE")
        case SSLError() if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return StoreError(
                f"{place}: its certificate is not trusted: set AWS_CA_BUNDLE to the file of the "
                "authority that issued it"
            )
        case EndpointConnectionError() | ConnectTimeoutError() | ProxyConnectionError():
            return StoreUnavailableError(
                f"{place}: no server answers there: check AWS_ENDPOINT_URL and the network"
            )
        case ReadTimeoutError():
            return StoreUnavailableError(f"{place}: the server stopped answering")
        case ResponseParserError():
            return StoreUnavailableError(
                f"{place}: the answer is not one of S3: check AWS_ENDPOINT_URL if it stays so"
            )
        case NoConnectionError() | HTTPClientError() | IncompleteReadError() | HTTPError():
            return StoreUnavailableError(f"{place}: the connection broke: {text}")
        case _:
            return StoreError(f"{place}: {text}")
