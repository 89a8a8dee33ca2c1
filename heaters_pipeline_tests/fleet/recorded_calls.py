"""What AWS clients ask for, recorded where all their calls pass, held against a policy."""

import json
from fnmatch import fnmatchcase
from typing import Any

import botocore.client
import pytest
from botocore.exceptions import ClientError

from heaters_pipeline_tests.end_to_end.programs import CHECKOUT

IAM = CHECKOUT / "deploy" / "iam"
ACCOUNT = "eu-central-1:123456789012"
_BUCKET = "arn:aws:s3:::my-bucket"
_OF_BUCKET = ("s3:ListBucket", "s3:ListBucketMultipartUploads")
# What a call needs, as the service authorization references say. The parts and the end of an
# upload ask for the same as its beginning.
_NEEDS = {
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "CompleteMultipartUpload": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "DeleteMessageBatch": "sqs:DeleteMessage",
    "DeleteObject": "s3:DeleteObject",
    "DeleteObjects": "s3:DeleteObject",
    "DescribeNetworkInterfaces": "ec2:DescribeNetworkInterfaces",
    "DescribeTaskDefinition": "ecs:DescribeTaskDefinition",
    "DescribeTasks": "ecs:DescribeTasks",
    "GetLogEvents": "logs:GetLogEvents",
    "GetObject": "s3:GetObject",
    "HeadBucket": "s3:ListBucket",
    "HeadObject": "s3:GetObject",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "ListObjects": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "ListParts": "s3:ListMultipartUploadParts",
    "PutObject": "s3:PutObject",
    "ReceiveMessage": "sqs:ReceiveMessage",
    "RunTask": "ecs:RunTask",
    "StopTask": "ecs:StopTask",
    "UploadPart": "s3:PutObject",
}

Asked = set[tuple[str, str]]
"""An action, and the ARN of what it was for, as if all had the names that the policies have."""


def record_calls(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What any client asks from now on, until the patch is undone."""
    found: Asked = set()
    base: Any = botocore.client.BaseClient
    call = base._make_api_call

    def recorded(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        found.update(_asked(_NEEDS[operation], parameters))
        try:
            return call(client, operation, parameters)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
                # Who may not list the bucket is told 403 in place of that.
                found.add(("s3:ListBucket", _BUCKET))
            raise

    monkeypatch.setattr(base, "_make_api_call", recorded)
    return found


def _asked(action: str, parameters: dict[str, Any]) -> Asked:
    service = action.partition(":")[0]
    if service == "sqs":
        return {(action, f"arn:aws:sqs:{ACCOUNT}:my-events")}
    if action == "logs:GetLogEvents":
        group, stream = parameters["logGroupName"], parameters["logStreamName"]
        return {(action, f"arn:aws:logs:{ACCOUNT}:log-group:{group}:log-stream:{stream}")}
    if action == "ecs:RunTask":
        asked = {(action, parameters["taskDefinition"])}
        # Tags of what is started need an action of their own.
        cluster = parameters["cluster"].rpartition("/")[2]
        tagged = {("ecs:TagResource", f"arn:aws:ecs:{ACCOUNT}:task/{cluster}/new")}
        return asked | tagged if parameters["tags"] else asked
    if service == "ecs" and "Task" in action and action != "ecs:DescribeTaskDefinition":
        tasks = parameters["tasks"] if "tasks" in parameters else [parameters["task"]]
        return {(action, task) for task in tasks}
    if service != "s3":
        return {(action, "*")}
    if action in _OF_BUCKET:
        return {(action, _BUCKET)}
    several = parameters.get("Delete", {}).get("Objects")
    return {(action, f"{_BUCKET}/{each['Key']}") for each in several or [parameters]}


def assert_allows_just(name: str, asked: Asked) -> None:
    """Each call is allowed, and each pair of action and resource was needed by one."""
    pairs = {
        (act, arn)
        for each in _statements(name)
        for act in each["Action"]
        for arn in each["Resource"]
    }
    used: Asked = set()
    for action, resource in sorted(asked):
        allowed = {(act, arn) for act, arn in pairs if act == action and fnmatchcase(resource, arn)}
        assert allowed, f"{name}.json allows no {action} of {resource}"
        used |= allowed
    assert pairs - used == set(), f"{name}.json allows what nothing asks for: {pairs - used}"


def _statements(name: str) -> list[dict[str, Any]]:
    policy = json.loads((IAM / f"{name}.json").read_text())
    assert policy["Version"] == "2012-10-17"
    for statement in policy["Statement"]:
        assert statement["Effect"] == "Allow"
        for part in ("Action", "Resource"):
            value = statement[part]
            statement[part] = [value] if isinstance(value, str) else value
    return list(policy["Statement"])
