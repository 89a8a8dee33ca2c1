"""Dagster's launcher for ECS with the files of deploy/ecs, on moto: what it asks AWS for.

Moto keeps tasks and runs none, so that how they end is told to it.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import dagster as dg
import pytest
from dagster import DagsterRun
from dagster._core.instance.ref import InstanceRef
from dagster._core.launcher import LaunchRunContext, WorkerStatus

from heaters_pipeline.definitions import defs
from heaters_pipeline.names import PROCESS_JOB
from heaters_pipeline_tests.end_to_end.programs import CHECKOUT
from heaters_pipeline_tests.fleet.recorded_calls import assert_allows_just, record_calls
from heaters_pipeline_tests.servers import S3Server
from heaters_pipeline_tests.web_server import Served, running_web_server

ECS = CHECKOUT / "deploy" / "ecs"
CLUSTER = "heaters"
LOGS = "/heaters"


def _json(name: str) -> Any:
    return json.loads((ECS / f"{name}.json").read_text())


@pytest.fixture
def daemon_task(moto_s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The task that the daemon is, in a cluster of ours; this process takes itself for it."""
    moto_s3.use(monkeypatch)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    for variable in ("HEATERS_LOGS_BUCKET", "HEATERS_LOGS_PREFIX"):
        monkeypatch.setenv(variable, "logs")
    monkeypatch.setenv("HEATERS_ECS_TASK_DEFINITION", _json("run")["family"])
    ecs, ec2 = boto3.client("ecs"), boto3.client("ec2")
    ecs.create_cluster(**_json("cluster"))
    for name in ("run", "daemon"):
        definition = _json(name)
        # Moto adds up what containers reserve, and fails where they reserve nothing.
        definition["containerDefinitions"][0]["memoryReservation"] = 512
        ecs.register_task_definition(**definition)
    network = {
        "subnets": [ec2.describe_subnets()["Subnets"][0]["SubnetId"]],
        "securityGroups": [ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]],
    }
    (task,) = ecs.run_task(
        cluster=CLUSTER,
        taskDefinition=_json("daemon")["family"],
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": network},
    )["tasks"]
    with running_web_server() as metadata:
        told = {"Cluster": CLUSTER, "TaskARN": task["taskArn"]}
        metadata.served["/task"] = Served(json.dumps(told).encode())
        monkeypatch.setenv("ECS_CONTAINER_METADATA_URI_V4", metadata.url(""))
        yield task["taskArn"]
    for client in (ecs, ec2):
        client.close()


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """One that another process can be told of, as the task of a run is."""
    with dg.DagsterInstance.local_temp(str(tmp_path)) as created:
        yield created


def process_job() -> dg.JobDefinition:
    return defs.resolve_job_def(PROCESS_JOB)


def new_run(instance: dg.DagsterInstance) -> DagsterRun:
    job = dg.reconstructable(process_job)
    return instance.create_run_for_job(process_job(), job_code_origin=job.get_python_origin())


def new_launcher(instance: dg.DagsterInstance) -> Any:
    launcher = InstanceRef.from_dir(str(ECS)).run_launcher
    launcher.register_instance(instance)
    return launcher


def launched(launcher: Any, instance: dg.DagsterInstance) -> DagsterRun:
    """A run whose task was started."""
    run = new_run(instance)
    launcher.launch_run(LaunchRunContext(run, None))
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found


def kill_all_tasks(launcher: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    describe = launcher.ecs.describe_tasks

    def killed(**asked: Any) -> Any:
        answer = describe(**asked)
        for task in answer["tasks"]:
            task.update(lastStatus="STOPPED", stopCode="SpotInterruption")
            task["containers"][0]["exitCode"] = 137
        return answer

    monkeypatch.setattr(launcher.ecs, "describe_tasks", killed)


def write_log(task: str) -> None:
    """What a container of a run said."""
    client = boto3.client("logs")
    stream = f"run/run/{task.rpartition('/')[2]}"
    client.create_log_group(logGroupName=LOGS)
    client.create_log_stream(logGroupName=LOGS, logStreamName=stream)
    event = {"timestamp": time.time_ns() // 10**6, "message": "the last words"}
    client.put_log_events(logGroupName=LOGS, logStreamName=stream, logEvents=[event])
    client.close()


def test_the_daemon_may_start_watch_and_stop_runs(
    daemon_task: str, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.MonkeyPatch.context() as recording:
        asked = record_calls(recording)
        launcher = new_launcher(instance)
        stopped, lost = launched(launcher, instance), launched(launcher, instance)
        assert launcher.check_run_worker_health(stopped).status is WorkerStatus.RUNNING
        assert launcher.terminate(stopped.run_id)
    task = lost.tags["ecs/task_arn"]
    write_log(task)
    kill_all_tasks(launcher, monkeypatch)
    with pytest.MonkeyPatch.context() as recording:
        asked_then = record_calls(recording)
        found = launcher.check_run_worker_health(lost)
    assert found.status is WorkerStatus.FAILED
    assert "the last words" in found.msg
    assert daemon_task != task
    # ECS asks for it in the name of who starts a task.
    roles = (_json("run")["taskRoleArn"], _json("run")["executionRoleArn"])
    assert_allows_just("ecs", asked | asked_then | {("iam:PassRole", role) for role in roles})


def test_the_web_server_may_stop_runs(
    daemon_task: str, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = launched(new_launcher(instance), instance)
    asked = record_calls(monkeypatch)
    # The button "Terminate" calls it in the web server's own process.
    assert new_launcher(instance).terminate(run.run_id)
    assert_allows_just("ecs_webserver", asked)
