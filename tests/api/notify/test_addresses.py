"""Where a message really goes: to the address that was checked, with the name's own certificate, never inside."""

import asyncio
import ipaddress
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from api.notify.addresses import permitted, take_apart
from api.notify.schemas import Failure, Template
from api.notify.sending import Outcome, Sender
from api.notify.templates import DIALECTS, Parcel
from tests.api.notify.places import NETWORK, Place

HERE = [ipaddress.ip_network(NETWORK)]
PARCEL = Parcel(body=b"{}", headers={})


class Names:
    """A resolver whose answers are used up one by one, the last one stays."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, _port: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def send(url: str, names: Names, networks=HERE) -> Outcome:
    sender = Sender(timeout_s=2.0, networks=networks, lookup=names)
    return asyncio.run(sender.send(take_apart(url, networks), PARCEL, DIALECTS[Template.json]))


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Give a function that makes a server's certificate by an authority that this process trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An office's own authority")])

    def sign(subject: x509.Name, public_key, *, names: Sequence[str] = (), ca: bool = False) -> x509.Certificate:
        at = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public_key)
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(at - timedelta(days=1))
        builder = builder.not_valid_after(at + timedelta(days=1))
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        if names:
            alternatives = x509.SubjectAlternativeName([x509.DNSName(one) for one in names])
            builder = builder.add_extension(alternatives, critical=False)
        return builder.sign(key, hashes.SHA256())

    def pem(certificate: x509.Certificate) -> bytes:
        return certificate.public_bytes(serialization.Encoding.PEM)

    (tmp_path / "authority.pem").write_bytes(pem(sign(issuer, key.public_key(), ca=True)))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))

    def server(name: str) -> ssl.SSLContext:
        own = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        plain = serialization.NoEncryption()
        secret = own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        (tmp_path / f"{name}.pem").write_bytes(pem(sign(subject, own.public_key(), names=[name])) + secret)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / f"{name}.pem")
        return context

    return server


def test_tls_is_with_the_name_though_the_connection_goes_to_the_address(authority):
    names = Names(["127.0.0.1"])
    with Place(tls=authority("hook.example")) as place:
        outcome = send(f"https://hook.example:{place.port}/in", names)

    assert (None, 200) == (outcome.failure, outcome.status)
    assert f"hook.example:{place.port}" == place.calls[0].headers["host"]
    assert ["hook.example"] == names.asked


def test_a_certificate_of_another_name_is_not_spoken_to(authority):
    with Place(tls=authority("other.example")) as place:
        outcome = send(f"https://hook.example:{place.port}/in", Names(["127.0.0.1"]))

    assert Failure.tls == outcome.failure
    assert [] == place.calls


def test_a_name_that_changes_its_mind_reaches_nothing(authority):
    """DNS rebinding: the first answer is fine, a second look-up would lead inside. There is no second look-up."""
    names = Names(["192.0.2.1"], ["127.0.0.1"])
    with Place(tls=authority("hook.example")) as place:
        sender_networks = [ipaddress.ip_network("192.0.2.0/24")]
        outcome = send(f"https://hook.example:{place.port}/in", names, sender_networks)

    assert outcome.failure in (Failure.timeout, Failure.no_connection)
    assert 1 == len(names.asked)
    assert [] == place.calls


@pytest.mark.parametrize(
    "answers",
    [
        ["127.0.0.1"],
        ["10.0.0.8"],
        ["169.254.169.254"],
        ["93.184.216.34", "10.0.0.8"],
        ["::1"],
        ["fe80::1"],
        ["fd00::1"],
    ],
    ids=str,
)
def test_a_name_that_leads_inside_is_not_followed(answers):
    assert Failure.refused_address == send("https://inside.example/", Names(answers), networks=[]).failure


def test_a_network_of_the_office_is_reached_without_tls_and_no_other_is():
    with Place() as place:
        outcome = send(f"http://inside.example:{place.port}/", Names(["127.0.0.1"]))
        refused = send(f"http://outside.example:{place.port}/", Names(["93.184.216.34"]))

    assert outcome.good
    assert Failure.refused_address == refused.failure


def test_a_name_without_an_address_and_a_port_without_a_server_are_told_apart():
    class Nobody(Names):
        async def __call__(self, _host: str, _port: int) -> Sequence[str]:
            raise OSError("Name or service not known")

    assert Failure.unknown_name == send("https://nowhere.example/", Nobody([])).failure
    with Place() as place:
        port = place.port
    assert Failure.no_connection == send(f"http://inside.example:{port}/", Names(["127.0.0.1"])).failure


@given(st.ip_addresses(network="10.0.0.0/8") | st.ip_addresses(network="192.168.0.0/16"))
def test_no_disguise_of_a_private_address_is_permitted(inside):
    disguises = [
        inside,
        ipaddress.ip_address(f"::ffff:{inside}"),
        ipaddress.ip_address(int(ipaddress.ip_address("64:ff9b::")) + int(inside)),
        ipaddress.ip_address(int(ipaddress.ip_address("2002::")) + (int(inside) << 80)),
    ]

    assert [False] * 4 == [permitted(one, [], encrypted=True) for one in disguises]
    assert [True] * 4 == [permitted(one, [ipaddress.ip_network(inside)], encrypted=False) for one in disguises]
