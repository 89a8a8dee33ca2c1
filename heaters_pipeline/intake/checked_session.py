"""A session of ``requests`` that connects only to where links may lead.

A name is resolved once, all of its addresses are checked, and the connection goes to one of them:
for the link itself and for each redirect.
"""

import ipaddress
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from AntiSSRF import AntiSSRFError, AntiSSRFPolicy, IPAddressRanges, PolicyConfigOptions

# The one private name of the library that is needed: see ``_CheckedAdapter``.
from AntiSSRF._antissrf_agent import _AntiSSRFAdapter
from requests.adapters import HTTPAdapter

from heaters_pipeline.intake.allowed_links import AllowedLinks

_METADATA = ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200")
"""Metadata services of clouds in private networks: of Amazon, Google and Alibaba."""


class ForbiddenAddressError(requests.RequestException):
    """A link, or a redirect of it, leads to where links may not lead.

    Attributes:
        host: The host that was asked for, as the link names it.
    """

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.host = host


def checked_session(allowed: AllowedLinks) -> requests.Session:
    """A session that connects only to what is allowed, at each redirect as well.

    Its requests raise ``ForbiddenAddressError`` before anything is sent.
    """
    session = requests.Session()
    policy = _policy(allowed)
    for scheme in ("http://", "https://"):
        session.mount(scheme, _CheckedAdapter(policy, allowed))
    return session


def _policy(allowed: AllowedLinks) -> AntiSSRFPolicy:
    options = PolicyConfigOptions.NONE if allowed.public else PolicyConfigOptions.INTERNAL_ONLY
    policy = AntiSSRFPolicy(options)
    policy.allow_plain_text_http = True
    networks = [*allowed.networks, *(_private_networks() if allowed.private else ())]
    if networks:
        policy.add_allowed_addresses(networks)
    if allowed.public:
        policy.add_denied_addresses(IPAddressRanges.recommended_latest)
    return policy


class _CheckedAdapter(_AntiSSRFAdapter):  # type: ignore[misc]
    """Resolves a name, checks all of its addresses, and connects to one that was checked.

    The library's adapter does that, and verifies the certificate for the name. It sends no port in
    the header ``Host`` (1.0.0), without which a link that is signed for a port is refused; and the
    address is given to a proxy only for ``https``.
    """

    def __init__(self, policy: AntiSSRFPolicy, allowed: AllowedLinks) -> None:
        super().__init__(policy)
        self._allowed = allowed
        self._address: str | None = None

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        # A request that follows a redirect has the header of the one before.
        request.headers.pop("Host", None)
        build = HTTPAdapter.build_connection_pool_key_attributes
        host, pool = build(self, request, verify, cert)
        name, self._address = str(host["host"]), None
        if self._allowed.trusts(name):
            return host, pool
        try:
            host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        except AntiSSRFError:
            raise ForbiddenAddressError(name) from None
        request.headers["Host"] = urlsplit(str(request.url)).netloc.rpartition("@")[2]
        self._address = str(host["host"])
        return host, pool

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        """What is asked for: of a proxy a whole link, in which the address that was checked stands.

        Else the proxy would look the name up once more, and might find another address.
        """
        url = super().request_url(request, proxies)
        parts = urlsplit(url)
        if not parts.netloc or self._address is None:
            return str(url)
        address = f"[{self._address}]" if ":" in self._address else self._address
        port = f":{parts.port}" if parts.port else ""
        return str(urlunsplit(parts._replace(netloc=f"{address}{port}")))


def _private_networks() -> list[str]:
    """What an organisation has to itself, without the metadata services that lie there."""
    ranges = IPAddressRanges
    found: list[Any] = [
        ipaddress.ip_network(each)
        for each in (
            *ranges.loopback,
            *ranges.private_use,
            *ranges.unique_local,
            *ranges.shared_address_space,
        )
    ]
    for metadata in map(ipaddress.ip_network, _METADATA):
        found = [
            part
            for each in found
            for part in (
                each.address_exclude(metadata)
                if each.version == metadata.version and metadata.subnet_of(each)
                else (each,)
            )
        ]
    return [str(each) for each in found]
