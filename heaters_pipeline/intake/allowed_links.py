"""Where links may lead: which hosts, networks and buckets. Pure."""

import ipaddress
import re
from dataclasses import dataclass

from heaters_pipeline.errors import SettingsError

SETTING = "HEATERS_ALLOWED_LINKS"
"""The environment variable that says where links may lead."""
DEFAULT = "public"

_ACCEPTED = (
    "give, separated by commas: public, private, hosts (media.example.org, *.example.org), "
    "addresses or networks (10.1.0.0/16), and buckets (s3://footage)"
)
_HOST = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9._-]*[a-z0-9])?")
_BUCKET = re.compile(r"s3://([A-Za-z0-9._-]+)/?")


@dataclass(frozen=True, slots=True)
class AllowedLinks:
    """Where links may lead.

    Attributes:
        public: Any address that everybody can reach.
        private: Loopback and private networks, but no link-local address and no metadata service.
        networks: Further addresses and networks, whatever they are.
        hosts: Names that are trusted, whatever their addresses are; ``*.`` stands for all below.
        buckets: Buckets of S3 that a run may read with credentials of its own.
    """

    public: bool = True
    private: bool = False
    networks: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    buckets: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, text: str) -> "AllowedLinks":
        """Read the setting.

        Raises:
            SettingsError: A part of it is nothing that can be allowed.
        """
        networks, hosts, buckets = [], [], set()
        parts = [part for each in text.split(",") if (part := each.strip())]
        for part in parts:
            if part in ("public", "private"):
                continue
            if bucket := _BUCKET.fullmatch(part):
                buckets.add(bucket.group(1))
            elif (network := _network(part)) is not None:
                networks.append(network)
            elif _HOST.fullmatch(part.lower()) and not part.replace(".", "").isdigit():
                hosts.append(part.lower())
            else:
                raise SettingsError(f"{SETTING} has {part!r}, which is none of these: {_ACCEPTED}")
        return cls(
            "public" in parts, "private" in parts, tuple(networks), tuple(hosts), frozenset(buckets)
        )

    def trusts(self, host: str) -> bool:
        """Whether a host is listed by its name."""
        host = host.lower().rstrip(".")
        return any(
            host.endswith(each[1:]) if each.startswith("*.") else host == each
            for each in self.hosts
        )


def _network(text: str) -> str | None:
    try:
        return str(ipaddress.ip_network(text.strip("[]"), strict=False))
    except ValueError:
        return None
