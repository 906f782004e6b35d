"""From which address a request comes, however it is dressed up."""

import pytest

from medspa import origin
from medspa.environment import Environment, EnvironmentRefused


def coming(remote, forwarded="", trusted=()):
    return origin.client_address({"REMOTE_ADDR": remote, "HTTP_X_FORWARDED_FOR": forwarded}, trusted)


def test_a_header_from_a_stranger_is_not_believed():
    assert coming("203.0.113.9", "198.51.100.1") == "203.0.113.9"
    assert coming("203.0.113.9", "198.51.100.1", ["10.0.0.0/8"]) == "203.0.113.9"


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("198.51.100.1", "198.51.100.1"),
        ("1.1.1.1, 198.51.100.1", "198.51.100.1"),  # what the sender wrote stands in front
        ("1.1.1.1, 198.51.100.1, 10.0.0.7", "198.51.100.1"),
        ("10.0.0.9, 10.0.0.7", "10.0.0.9"),
        ("", "10.0.0.1"),
        ("nonsense", "10.0.0.1"),
        ("1.1.1.1, nonsense", "10.0.0.1"),
        ("198.51.100.1:4711", "198.51.100.1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("::ffff:198.51.100.1", "198.51.100.1"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_a_trusted_proxy_tells_who_came_to_it(forwarded, address):
    assert coming("10.0.0.1", forwarded, ["10.0.0.0/8"]) == address


def test_a_local_socket_is_trusted_only_by_name():
    assert coming("", "198.51.100.1") == ""
    assert coming("", "198.51.100.1", ["unix"]) == "198.51.100.1"


def test_a_home_with_a_million_addresses_is_one_sender():
    assert origin.budget_of("2001:db8:1:2:3:4:5:6") == origin.budget_of("2001:db8:1:2::9")
    assert origin.budget_of("2001:db8:1:3::9") != origin.budget_of("2001:db8:1:2::9")
    assert origin.budget_of("198.51.100.1") == "198.51.100.1"
    assert origin.budget_of("") == ""


def test_the_address_is_known_only_inside():
    with origin.coming_from("198.51.100.1"):
        assert origin.current() == "198.51.100.1"
    assert origin.current() == ""


def test_a_proxy_that_is_no_address_is_refused_by_name():
    assert Environment({"TRUSTED_PROXIES": "10.0.0.0/8, ::1,unix"}).networks("TRUSTED_PROXIES") == [
        "10.0.0.0/8",
        "::1",
        "unix",
    ]
    with pytest.raises(EnvironmentRefused, match="TRUSTED_PROXIES has 'proxy.example'"):
        Environment({"TRUSTED_PROXIES": "10.0.0.1, proxy.example"}).networks("TRUSTED_PROXIES")
