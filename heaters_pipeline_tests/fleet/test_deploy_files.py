"""The files of deploy/ for Docker, ECS and Kubernetes, as far as they can be checked without those.

Instances load against Dagster's own schemas, tasks against the model of AWS's API, manifests
against that of Kubernetes; the rest is that files agree with each other and with the package.
"""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import kubernetes_validate
import pytest
import yaml
from botocore.validate import ParamValidator
from dagster._core.instance.ref import InstanceRef

from heaters_pipeline.fleet_launcher import FleetRunLauncher
from heaters_pipeline_tests.end_to_end.programs import CHECKOUT, find_program
from heaters_pipeline_tests.servers import S3Server

DEPLOY = CHECKOUT / "deploy"
_VARIABLES = {
    "HEATERS_POSTGRES_URL": "postgresql+psycopg2://heaters:secret@127.0.0.1:1/dagster",
    "HEATERS_BROKER_URL": "redis://:secret@127.0.0.1:1/0",
    "HEATERS_LOGS_BUCKET": "my-bucket",
    "HEATERS_LOGS_PREFIX": "logs",
    "HEATERS_ECS_TASK_DEFINITION": "heaters-run",
}
_TASKS = ("run", "daemon", "webserver")


def _yaml(path: str) -> Any:
    return yaml.safe_load((DEPLOY / path).read_text())


def _json(path: str) -> Any:
    return json.loads((DEPLOY / path).read_text())


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the instance files take from the environment."""
    for name, value in _VARIABLES.items():
        monkeypatch.setenv(name, value)
    return _VARIABLES


@pytest.mark.parametrize("folder", [".", "one_machine", "ecs"])
def test_an_instance_file_loads_and_takes_its_secrets_from_the_environment(
    folder: str, variables: dict[str, str]
) -> None:
    reference = InstanceRef.from_dir(str(DEPLOY / folder))
    names = set(re.findall(r"env: (\w+)", (DEPLOY / folder / "dagster.yaml").read_text()))
    assert names <= set(variables)
    storage = reference.storage_data.config_dict
    assert storage == {"postgres_url": {"env": "HEATERS_POSTGRES_URL"}}
    assert reference.settings["run_monitoring"]["enabled"]
    assert reference.settings["run_retries"]["max_retries"] == 2


def test_the_launcher_of_the_fleet_loads(variables: dict[str, str]) -> None:
    launcher = InstanceRef.from_dir(str(DEPLOY)).run_launcher
    assert isinstance(launcher, FleetRunLauncher)
    assert launcher.celery.conf.broker_url == variables["HEATERS_BROKER_URL"]
    assert launcher.celery.conf.result_backend == variables["HEATERS_BROKER_URL"]
    assert launcher.celery.conf.worker_disable_prefetch


def test_a_worker_imports_before_it_forks_what_each_run_needs(variables: dict[str, str]) -> None:
    # A second for each run, were it done after.
    told = subprocess.run(
        [sys.executable, "-c", "import sys, heaters_pipeline.worker; print(*sys.modules)"],
        env={**os.environ, "DAGSTER_HOME": str(DEPLOY)},
        capture_output=True,
        text=True,
        check=True,
    )
    needed = {"matplotlib.figure", "pandas", "boto3", "alembic", "av", "cv2", "pyarrow.parquet"}
    assert needed <= set(told.stdout.split())


def test_a_fleet_bounds_runs_by_video_and_frees_slots_of_canceled_ones() -> None:
    instance = _yaml("dagster.yaml")
    monitoring, runs = instance["run_monitoring"], instance["concurrency"]["runs"]
    assert monitoring["free_slots_after_run_end_seconds"]
    assert [limit["key"] for limit in runs["tag_concurrency_limits"]] == ["dagster/partition"]


@pytest.mark.parametrize("folder", ["one_machine", "ecs"])
def test_the_instances_differ_in_how_runs_are_started_alone(folder: str) -> None:
    fleet, other = _yaml("dagster.yaml"), _yaml(f"{folder}/dagster.yaml")
    own = {"run_launcher", "run_coordinator", "run_monitoring"}
    if folder == "ecs":
        own = {"run_launcher"}
    assert {name: fleet[name] for name in fleet.keys() - own} == {
        name: other[name] for name in other.keys() - own
    }


def test_the_readme_names_every_variable() -> None:
    readme = (DEPLOY / "README.md").read_text()
    names = set(re.findall(r"env: (\w+)", (DEPLOY / "dagster.yaml").read_text()))
    assert {name for name in names if f"export {name}=" not in readme} == set()


@pytest.fixture
def moto_aws(moto_s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of AWS, on moto, with the task definitions registered."""
    moto_s3.use(monkeypatch)
    client = boto3.client("ecs")
    for name in _TASKS:
        client.register_task_definition(**_json(f"ecs/{name}.json"))
    client.close()


def test_the_launcher_for_ecs_finds_its_task_definition(
    moto_aws: None, variables: dict[str, str]
) -> None:
    launcher: Any = InstanceRef.from_dir(str(DEPLOY / "ecs")).run_launcher
    assert launcher.task_definition.rpartition("/")[2].startswith("heaters-run:")
    providers = [
        each["capacityProvider"] for each in launcher.run_task_kwargs["capacityProviderStrategy"]
    ]
    assert providers == ["FARGATE_SPOT", "FARGATE"]
    assert set(providers) <= set(_json("ecs/cluster.json")["capacityProviders"])


def _ecs_requests() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for name in _TASKS:
        yield name, "RegisterTaskDefinition", _json(f"ecs/{name}.json")
    yield "cluster", "CreateCluster", _json("ecs/cluster.json")
    for name, service in _json("ecs/services.json").items():
        yield f"service {name}", "CreateService", service


@pytest.mark.parametrize(
    ("operation", "request_"),
    [pytest.param(operation, body, id=name) for name, operation, body in _ecs_requests()],
)
def test_what_ecs_is_given_is_what_its_api_takes(
    operation: str, request_: Mapping[str, Any]
) -> None:
    model = botocore.session.Session().get_service_model("ecs").operation_model(operation)
    report = ParamValidator().validate(request_, model.input_shape)
    assert not report.has_errors(), report.generate_report()


def test_the_tasks_of_ecs_have_what_the_instance_needs() -> None:
    wanted = set(re.findall(r"env: (\w+)", (DEPLOY / "ecs" / "dagster.yaml").read_text()))
    for name in _TASKS:
        (container,) = _json(f"ecs/{name}.json")["containerDefinitions"]
        given = {each["name"] for each in (*container["environment"], *container["secrets"])}
        assert wanted | {"HEATERS_STORE"} <= given
        # A secret is named, and never written down.
        assert "HEATERS_POSTGRES_URL" in {each["name"] for each in container["secrets"]}


def test_manifests_are_valid_for_kubernetes() -> None:
    documents = list(yaml.safe_load_all((DEPLOY / "k8s" / "manifests.yaml").read_text()))
    for document in documents:
        version = kubernetes_validate.latest_version()
        kubernetes_validate.validate(document, version, strict=True)
    kinds = {document["kind"] for document in documents}
    assert kinds == {"ConfigMap", "Secret", "ServiceAccount", "Ingress", "NetworkPolicy"}


def test_the_pods_of_runs_are_valid_for_kubernetes() -> None:
    config = _yaml("k8s/values.yaml")["runLauncher"]["config"]["k8sRunLauncher"]["runK8sConfig"]
    container = {"name": "run", "image": "heaters-pipeline:1", **config["containerConfig"]}
    pod = {**config["podSpecConfig"], "containers": [container], "restartPolicy": "Never"}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "run"},
        "spec": {**config["jobSpecConfig"], "template": {"spec": pod}},
    }
    kubernetes_validate.validate(job, kubernetes_validate.latest_version(), strict=True)


def test_kubernetes_has_the_settings_of_the_fleet() -> None:
    values, fleet = _yaml("k8s/values.yaml"), _yaml("dagster.yaml")
    daemon = values["dagsterDaemon"]
    queue = daemon["runCoordinator"]["config"]["queuedRunCoordinator"]
    assert _snake(daemon["runMonitoring"]) == fleet["run_monitoring"]
    assert _snake(daemon["runRetries"]) == fleet["run_retries"]
    assert _snake(daemon["sensors"]) == fleet["sensors"]
    assert _snake(queue) == fleet["run_coordinator"]["config"]
    assert _snake(values["concurrency"]["pools"]) == fleet["concurrency"]["pools"]
    limits = values["concurrency"]["runs"]["tagConcurrencyLimits"]
    assert limits == fleet["concurrency"]["runs"]["tag_concurrency_limits"]
    names = {document["metadata"]["name"] for document in _manifests()}
    text = (DEPLOY / "k8s" / "values.yaml").read_text()
    referred = re.findall(r"(?:envConfigMaps|envSecrets): \[\{name: (\S+)\}\]", text)
    assert set(referred) <= names
    launcher = values["runLauncher"]["config"]["k8sRunLauncher"]["runK8sConfig"]
    assert launcher["podSpecConfig"]["serviceAccountName"] in names


def _manifests() -> list[Any]:
    return list(yaml.safe_load_all((DEPLOY / "k8s" / "manifests.yaml").read_text()))


def _snake(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        re.sub("[A-Z]", lambda m: f"_{m[0].lower()}", key): each for key, each in values.items()
    }


def test_compose_names_only_what_there_is() -> None:
    compose = _yaml("compose.yaml")
    services = compose["services"]
    assert set(services) == {"proxy", "code", "webserver", "daemon", "worker", "postgres", "redis"}
    for name, service in services.items():
        assert "healthcheck" in service, name
        assert service["restart"] == "unless-stopped", name
        for other in service.get("depends_on", {}):
            assert "healthcheck" in services[other]
        assert set(service["networks"]) <= set(compose["networks"])
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            if source.startswith("./"):
                assert (DEPLOY / source).is_file(), source
            elif ":" in volume:
                assert source in compose["volumes"], source
    assert {name for name, service in services.items() if "ports" in service} == {"proxy"}
    assert {"postgres", "redis"} == {
        name for name, service in services.items() if service["networks"] == ["inside"]
    }
    assert "basic_auth" in (DEPLOY / "Caddyfile").read_text()


def test_compose_needs_no_variable_that_the_example_does_not_explain() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    example = (DEPLOY / "env.example").read_text()
    required = set(re.findall(r"\$\{(\w+):\?", text))
    taken = {
        name
        for name, value in _yaml("compose.yaml")["x-program"]["environment"].items()
        if value is None
    }
    assert required
    assert {name for name in required | taken if f"{name}=" not in example} == set()
    instance = set(re.findall(r"env: (\w+)", (DEPLOY / "dagster.yaml").read_text()))
    assert instance <= set(_yaml("compose.yaml")["x-program"]["environment"])


@pytest.mark.parametrize("service", ["code", "webserver", "daemon", "worker"])
def test_the_commands_of_the_image_are_programs_of_the_package(service: str) -> None:
    program = _yaml("compose.yaml")["services"][service]
    command = program["command"]
    assert Path(find_program(command[0])).is_file()
    if "-w" in command:
        workspace = command[command.index("-w") + 1]
        assert f"./workspace.yaml:{workspace}:ro" in program["volumes"]
    # The worker's module is imported where its instance is: tests of the fleet start it.
    elif service != "worker":
        (module,) = (part for part in command if part.startswith("heaters_pipeline."))
        import_module(module)


def test_daemon_and_web_server_find_the_code() -> None:
    ((name, server),) = _yaml("workspace.yaml")["load_from"][0].items()
    code = _yaml("compose.yaml")["services"]["code"]["command"]
    environment = _yaml("compose.yaml")["x-program"]["environment"]
    assert name == "grpc_server"
    assert code[-1] == str(server["port"])
    assert environment[server["host"]["env"]] == "code"
    # The name under which runs of the command are recorded, too.
    assert server["location_name"] in code


def test_the_image_is_of_files_that_there_are_and_runs_as_nobody_special() -> None:
    lines = (DEPLOY / "Dockerfile").read_text()
    ignored = (CHECKOUT / ".dockerignore").read_text().splitlines()
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", lines, re.MULTILINE)
    instances = ["deploy/dagster.yaml", "deploy/ecs/dagster.yaml"]
    for path in (*" ".join(copied).split(), *instances):
        assert (CHECKOUT / path).exists(), path
        assert f"!{path}" in ignored
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    for extras in re.findall(r"EXTRAS=(\S+)", lines):
        assert set(extras.split(",")) <= set(project["optional-dependencies"])
    # Base and times can be fixed in every stage, so that an image can be built again.
    stages = lines.split("\nFROM ")[1:]
    assert [stage.split()[0] for stage in stages] == ["${BASE}"] * 2
    assert all("ARG SOURCE_DATE_EPOCH\n" in stage for stage in stages)
    users = re.findall(r"^USER (\S+)$", lines, re.MULTILINE)
    assert users == ["10001:10001"]


def test_the_worker_refuses_an_instance_that_starts_runs_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(DEPLOY))
    from heaters_pipeline import worker
    from heaters_pipeline.errors import SettingsError

    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with pytest.raises(SettingsError, match="has no FleetRunLauncher"):
        worker.app_of_launcher()
    assert set(worker.app.tasks) >= {"execute_job", "resume_job"}
