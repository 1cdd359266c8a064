"""The JSON that Podman and netavark hand to a network plugin."""

from __future__ import annotations

from typing import Any


def network(**options: str) -> dict[str, Any]:
    """As Podman has one when it asks the plugin to create it."""
    return {
        "name": "vpn",
        "id": "2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9",
        "driver": "wireguard",
        "created": "2025-11-22T10:00:00.000000000Z",
        "ipv6_enabled": False,
        "internal": False,
        "dns_enabled": True,
        "ipam_options": {},
        "options": options,
    }


def container(name: str, ports: list[dict[str, Any]] | None = None, **options: str) -> dict[str, Any]:
    """As netavark tells of one at setup and teardown."""
    return {
        "container_id": f"752947ff91f961eb3cb47ffe9315016979f3ffbec09e4d96a4fae3fb{name}",
        "container_name": name,
        "port_mappings": ports,
        "network": network(**options)
        | {"ipam_options": {"driver": "none"}, "dns_enabled": False, "subnets": None},
        "network_options": {
            "aliases": ["752947ff91f9"],
            "interface_name": "eth0",
            "static_ips": None,
            "static_mac": None,
        },
    }
