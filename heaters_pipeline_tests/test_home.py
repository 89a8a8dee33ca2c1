"""Where the project's files are, by the environment and by the folder of the process."""

from pathlib import Path

import pytest

import heaters_pipeline
from heaters_pipeline import home
from heaters_pipeline.errors import SettingsError, StoreError


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "DAGSTER_HOME",
        "HEATERS_STORE",
        "HEATERS_CACHE",
        "HEATERS_CACHE_GB",
        "HEATERS_METRICS_FILE",
        "HEATERS_METRICS_PUSHGATEWAY",
    ):
        monkeypatch.delenv(name, raising=False)


def test_dagster_home_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dagster.yaml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "elsewhere"))
    assert home.home_folder() == tmp_path / "elsewhere"


def test_a_tilde_in_dagster_home_is_the_users_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", "~/dagster")
    assert home.home_folder() == tmp_path / "dagster"


def test_without_it_the_nearest_folder_upwards_is_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "project" / "videos"
    inner.mkdir(parents=True)
    (tmp_path / "dagster.yaml").touch()
    (tmp_path / "project" / "dagster.yaml").touch()
    monkeypatch.chdir(inner)
    assert home.home_folder() == tmp_path / "project"


def test_far_from_any_project_the_checkout_is_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert home.home_folder() == Path(heaters_pipeline.__file__).resolve().parents[1]


@pytest.fixture
def user_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for the user's data, with no dagster.yaml and no checkout anywhere."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(home, "__file__", str(tmp_path / "site-packages" / "a" / "home.py"))
    template = tmp_path / "site-packages" / "a" / "default_dagster.yaml"
    template.parent.mkdir(parents=True)
    template.write_text("telemetry: {enabled: false}\n")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    return tmp_path / "share" / "heaters_pipeline"


def test_where_there_is_no_checkout_home_is_among_the_users_data(
    user_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert home.home_folder() == user_folder
    assert not user_folder.exists()
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home.home_folder().is_relative_to(tmp_path)
    assert home.home_folder().name == "heaters_pipeline"


def test_the_users_folder_is_made_once_and_never_overwritten(user_folder: Path) -> None:
    assert home.make_user_folder(home.home_folder())
    (file,) = user_folder.iterdir()
    assert (file.name, file.read_text()) == ("dagster.yaml", "telemetry: {enabled: false}\n")
    file.write_text("mine")
    assert not home.make_user_folder(home.home_folder())
    assert file.read_text() == "mine"


def test_no_other_folder_is_written_to(user_folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert not home.make_user_folder(elsewhere)
    assert not any(elsewhere.iterdir())
    assert not user_folder.exists()


def test_a_folder_that_cannot_be_written_to_is_named(user_folder: Path) -> None:
    user_folder.parent.touch()
    with pytest.raises(StoreError, match=f"cannot write {user_folder}/dagster.yaml: .* is a file"):
        home.make_user_folder(home.home_folder())


def test_the_checkouts_file_is_the_one_in_the_package() -> None:
    package = Path(heaters_pipeline.__file__).parent
    assert (package.parent / "dagster.yaml").samefile(package / "default_dagster.yaml")


@pytest.mark.parametrize(
    ("value", "expected"), [(None, "./data"), ("", "./data"), ("s3://b/p", "s3://b/p")]
)
def test_the_store_is_a_folder_unless_it_is_named(
    value: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if value is not None:
        monkeypatch.setenv("HEATERS_STORE", value)
    assert home.store_location() == expected


def test_local_copies_lie_where_the_user_keeps_such_things(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert home.cache_folder() == tmp_path / ".cache" / "heaters_pipeline"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert home.cache_folder() == tmp_path / "xdg" / "heaters_pipeline"
    monkeypatch.setenv("HEATERS_CACHE", "~/copies")
    assert home.cache_folder() == tmp_path / "copies"


@pytest.mark.parametrize(
    ("value", "expected"), [(None, 20_000_000_000), ("", 20_000_000_000), ("0.5", 500_000_000)]
)
def test_the_cache_has_a_size(
    value: str | None, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if value is not None:
        monkeypatch.setenv("HEATERS_CACHE_GB", value)
    assert home.cache_max_bytes() == expected


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "20 GB", "much"])
def test_a_size_that_is_none_is_refused_with_its_name(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEATERS_CACHE_GB", value)
    with pytest.raises(SettingsError, match=f"HEATERS_CACHE_GB is '{value}'; give a number"):
        home.cache_max_bytes()


def test_metrics_are_kept_only_if_a_setting_asks_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert home.metrics_file() is None
    assert home.metrics_gateway() is None
    monkeypatch.setenv("HEATERS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HEATERS_METRICS_PUSHGATEWAY", "gateway:9091")
    assert home.metrics_gateway() == "gateway:9091"
    assert home.metrics_file() == tmp_path / "cache" / "metrics.prom"
    monkeypatch.setenv("HEATERS_METRICS_FILE", str(tmp_path / "heaters.prom"))
    assert home.metrics_file() == tmp_path / "heaters.prom"
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HEATERS_METRICS_FILE", "heaters.prom")
    assert home.metrics_file() == tmp_path / "home" / "heaters.prom"


@pytest.mark.parametrize("value", ["/srv/metrics", "/srv/metrics/", "heaters.txt", ".prom"])
def test_a_file_that_node_exporter_would_not_read_is_refused(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEATERS_METRICS_FILE", value)
    with pytest.raises(SettingsError, match=r"HEATERS_METRICS_FILE is .* ends in \.prom"):
        home.metrics_file()


@pytest.mark.parametrize(
    "value", ["gateway:many", "gateway:0", "://", "ftp://gateway", "https://", "u:secret@gateway"]
)
def test_what_is_no_address_of_a_gateway_is_refused_and_no_password_is_shown(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEATERS_METRICS_PUSHGATEWAY", value)
    with pytest.raises(SettingsError, match="give host:port") as refused:
        home.metrics_gateway()
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("value", ["gateway", "gateway:9091", "https://gateway/push", "[::1]:9091"])
def test_addresses_of_gateways(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEATERS_METRICS_PUSHGATEWAY", value)
    assert home.metrics_gateway() == value
