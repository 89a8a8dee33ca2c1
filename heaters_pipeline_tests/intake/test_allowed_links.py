"""Links lead only to where they may, by name, by address, by redirect, and if a name changes.

Nothing is asked but servers on loopback; names are resolved by a stub.
"""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from heaters_pipeline.errors import DownloadError, SettingsError
from heaters_pipeline.intake.allowed_links import AllowedLinks
from heaters_pipeline.intake.checked_session import ForbiddenAddressError, checked_session
from heaters_pipeline.intake.download import DownloadSettings, download, fetch_link
from heaters_pipeline.intake.sources import S3Link
from heaters_pipeline_tests.web_server import (
    LOOPBACK_LINKS,
    Served,
    WebServer,
    running_web_server,
)

CONTENT = b"a video" * 100
ONCE = DownloadSettings(max_attempts=1)
NOBODY_ASKED = "nobody may be asked for it"


@pytest.fixture
def web() -> Iterator[WebServer]:
    with running_web_server() as server:
        server.served["/v.mp4"] = Served(CONTENT)
        yield server


@contextmanager
def resolving(monkeypatch: pytest.MonkeyPatch, **names: list[str]) -> Iterator[list[str]]:
    """A stub resolver: each name has a list of answers, the last one for ever. Gives who asked."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def answer(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        name = str(host).replace(".test", "")
        if name not in names:
            # An address, which nobody has to be asked for.
            return real(host, port, *args, **{**kwargs, "flags": socket.AI_NUMERICHOST})
        asked.append(name)
        answers = names[name]
        address = answers.pop(0) if len(answers) > 1 else answers[0]
        return real(address, port, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", answer)
        yield asked


@contextmanager
def without_connections(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing may connect to anything."""

    def refuse(*_: object) -> None:
        raise AssertionError("it connected")

    with monkeypatch.context() as patched:
        patched.setattr(socket.socket, "connect", refuse)
        yield


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("public", AllowedLinks()),
        ("private", AllowedLinks(public=False, private=True)),
        ("public, private", AllowedLinks(private=True)),
        ("10.1.2.3/16", AllowedLinks(public=False, networks=("10.1.0.0/16",))),
        ("[::1]", AllowedLinks(public=False, networks=("::1/128",))),
        (
            "NAS,*.Example.org,public",
            AllowedLinks(hosts=("nas", "*.example.org")),
        ),
        ("public,s3://footage", AllowedLinks(buckets=frozenset({"footage"}))),
        ("s3://a/,s3://b", AllowedLinks(public=False, buckets=frozenset("ab"))),
    ],
)
def test_the_setting_is_a_list(text: str, expected: AllowedLinks) -> None:
    assert AllowedLinks.parse(text) == expected


@pytest.mark.parametrize(
    "text", ["http://nas", "nas:80", "10.1.0.0/99", "s3://a/prefix", "*", "a b", "300.1.1.1", "-"]
)
def test_what_cannot_be_allowed_is_refused_with_what_can(text: str) -> None:
    with pytest.raises(SettingsError, match=r"HEATERS_ALLOWED_LINKS .*public, private, hosts"):
        AllowedLinks.parse(f"public,{text}")


FORBIDDEN = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "168.63.129.16",
    "224.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[fe80::1]",
    "[fd00::1]",
    "localhost",
]


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", FORBIDDEN)
def test_no_link_leads_to_what_not_everybody_can_reach(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str, scheme: str
) -> None:
    with without_connections(monkeypatch), pytest.raises(DownloadError) as refusal:
        download(f"{scheme}://{host}/v.mp4", tmp_path / "v.mp4", settings=ONCE)
    assert not refusal.value.transient
    assert "HEATERS_ALLOWED_LINKS=public," in str(refusal.value)
    assert host.strip("[]") in str(refusal.value)


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1", True),
        ("10.0.0.1", True),
        ("[fd00::1]", True),
        ("169.254.169.254", False),
        ("[fe80::1]", False),
        ("[fd00:ec2::254]", False),
        ("[fd20:ce::254]", False),
        ("100.100.100.200", False),
        ("168.63.129.16", False),
        ("0.0.0.0", False),
    ],
)
@pytest.mark.parametrize("public", [True, False])
def test_private_networks_can_be_allowed_without_the_metadata_services_of_clouds(
    host: str, allowed: bool, public: bool
) -> None:
    assert may_reach(AllowedLinks(public=public, private=True), host) is allowed


def may_reach(links: AllowedLinks, host: str) -> bool:
    """Whether a session would connect; it does not."""
    request = prepared(f"http://{host}/")
    with checked_session(links) as session:
        adapter: Any = session.get_adapter(request.url)
        try:
            adapter.build_connection_pool_key_attributes(request, True)
        except ForbiddenAddressError:
            return False
    return True


def prepared(url: str) -> Any:
    return requests.Request("GET", url).prepare()


def test_a_listed_network_is_allowed_and_the_public_only_if_it_is_listed() -> None:
    links = AllowedLinks.parse("10.1.0.0/16,169.254.169.254")
    assert may_reach(links, "10.1.2.3")
    assert may_reach(links, "169.254.169.254")
    assert not may_reach(links, "10.2.0.1")
    assert not may_reach(links, "93.184.215.14")
    assert may_reach(AllowedLinks(), "93.184.215.14")


def test_a_listed_host_is_allowed_whatever_its_address_is(
    web: WebServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    port = web.address.partition(":")[2]
    with resolving(monkeypatch, nas=["127.0.0.1"], other=["127.0.0.1"]):
        target = tmp_path / "v.mp4"
        download(f"http://nas:{port}/v.mp4", target, allowed=AllowedLinks(hosts=("nas",)))
        assert target.read_bytes() == CONTENT
        with pytest.raises(DownloadError, match="leads to other"):
            download(f"http://other:{port}/v.mp4", target, allowed=AllowedLinks(hosts=("nas",)))
        below = AllowedLinks(hosts=("*.test",))
        download(f"http://nas.test:{port}/v.mp4", target, allowed=below)
        with pytest.raises(DownloadError, match="leads to nas"):
            download(f"http://nas:{port}/v.mp4", target, allowed=below)


def test_a_redirect_is_checked_as_the_link_is(
    web: WebServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    port = web.address.partition(":")[2]
    web.served["/short"] = Served(
        headers={"Location": f"http://inner:{port}/v.mp4?secret=1"}, statuses=[302]
    )
    with (
        resolving(monkeypatch, outer=["127.0.0.1"], inner=["127.0.0.2"]),
        pytest.raises(DownloadError, match="/short leads to inner,") as refusal,
    ):
        download(f"http://outer:{port}/short", tmp_path / "v.mp4", allowed=LOOPBACK_LINKS)
    assert "secret" not in str(refusal.value)
    assert [path for path, _ in web.requests] == ["/short"]


def test_a_redirect_from_a_listed_host_gets_the_name_of_its_own(
    web: WebServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    port = web.address.partition(":")[2]
    links = AllowedLinks(public=False, hosts=("second",), networks=("127.0.0.1",))
    web.served["/a"] = Served(headers={"Location": f"http://second:{port}/b"}, statuses=[302])
    web.served["/b"] = Served(headers={"Location": f"http://third:{port}/v.mp4"}, statuses=[302])
    here = ["127.0.0.1"]
    with resolving(monkeypatch, first=here, second=here, third=here):
        download(f"http://first:{port}/a", tmp_path / "v.mp4", allowed=links)
    hosts = [headers["Host"] for _, headers in web.requests]
    assert hosts == [f"first:{port}", f"second:{port}", f"third:{port}"]


def test_the_address_that_was_checked_is_the_one_that_is_asked(
    web: WebServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    port = web.address.partition(":")[2]
    with resolving(monkeypatch, moving=["127.0.0.1", "127.0.0.2"]) as asked:
        download(f"http://moving:{port}/v.mp4", tmp_path / "v.mp4", allowed=LOOPBACK_LINKS)
        assert asked == ["moving"]
        with pytest.raises(DownloadError, match="leads to moving"):
            download(f"http://moving:{port}/v.mp4", tmp_path / "v.mp4", allowed=LOOPBACK_LINKS)
    assert len(web.requests) == 1


def test_a_proxy_is_given_the_address_that_was_checked(
    web: WebServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Our server takes the place of the proxy: what it is asked for is the whole link.
    web.served["http://127.0.0.1:81/v.mp4"] = Served(CONTENT)
    monkeypatch.setenv("http_proxy", web.url(""))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with resolving(monkeypatch, moving=["127.0.0.1", "127.0.0.2"]):
        download("http://moving:81/v.mp4?x=1", tmp_path / "v.mp4", allowed=LOOPBACK_LINKS)
    ((path, headers),) = web.requests
    assert (path, headers["Host"]) == ("http://127.0.0.1:81/v.mp4?x=1", "moving:81")
    with pytest.raises(DownloadError, match=r"leads to 127\.0\.0\.2"):
        download("http://127.0.0.2:81/v.mp4", tmp_path / "v.mp4", allowed=LOOPBACK_LINKS)
    assert len(web.requests) == 1


def certificate_of(name: str, folder: Path) -> Path:
    """A PEM file with a key and a certificate that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    return path


def test_a_certificate_is_that_of_the_name_and_not_of_the_address(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    certificate = certificate_of("safe.test", tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    here = ["127.0.0.1"]
    with (
        running_web_server(certificate) as web,
        resolving(monkeypatch, safe=here, other=here),
    ):
        port = web.address.partition(":")[2]
        web.served["/v.mp4"] = Served(CONTENT)
        target = tmp_path / "v.mp4"
        for links in (LOOPBACK_LINKS, AllowedLinks(hosts=("safe.test",))):
            download(f"https://safe.test:{port}/v.mp4", target, allowed=links)
            assert target.read_bytes() == CONTENT
        with pytest.raises(DownloadError, match="certificate is not trusted"):
            download(f"https://other.test:{port}/v.mp4", target, allowed=LOOPBACK_LINKS)
        assert [headers["Host"] for _, headers in web.requests] == [f"safe.test:{port}"] * 2


def test_a_name_that_nobody_knows_may_be_known_later(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(DownloadError, match="the name of the server is not known") as refusal:
        download("http://nowhere.test/v.mp4", tmp_path / "v.mp4", settings=ONCE)
    assert refusal.value.transient


@pytest.mark.parametrize(
    "location",
    [
        "http://[::1",
        "http://a:99999/",
        "http://" + "a" * 300 + "/",
        "http://xn--/",
        "http://%zz..b/",
    ],
)
def test_a_redirect_to_nonsense_is_refused_without_its_text(
    web: WebServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, location: str
) -> None:
    web.served["/short"] = Served(headers={"Location": location}, statuses=[302])
    with resolving(monkeypatch), pytest.raises(DownloadError) as refusal:
        download(web.url("/short"), tmp_path / "v.mp4", allowed=LOOPBACK_LINKS, settings=ONCE)
    assert location not in str(refusal.value)


@pytest.fixture
def no_store(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def opened(*_: object, **__: object) -> None:
        raise AssertionError(NOBODY_ASKED)

    monkeypatch.setattr("heaters_pipeline.intake.download.S3ObjectStore", opened)
    return opened


def test_a_bucket_of_others_is_not_read_with_the_credentials_of_the_pipeline(
    no_store: Callable[[], None], tmp_path: Path
) -> None:
    link, path = S3Link("payroll", "a.mp4"), tmp_path / "a.mp4"
    with pytest.raises(DownloadError, match=r"HEATERS_ALLOWED_LINKS .* add s3://payroll"):
        fetch_link(link, path)
    for allowed in ({"by_hand": True}, {"allowed": AllowedLinks(buckets=frozenset({"payroll"}))}):
        with pytest.raises(AssertionError, match=NOBODY_ASKED):
            fetch_link(link, path, **allowed)  # type: ignore[arg-type]
