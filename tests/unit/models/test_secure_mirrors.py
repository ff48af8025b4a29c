"""Mirrors that speak https: certificates, redirects out of it, and the proxies of the environment."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.models import Models
from tests.hub import Certificate, Hub, Proxy, faults
from tests.unit.models.conftest import REPOSITORY, UNREACHABLE, Recorder, failure

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl to make a certificate")


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    (tmp_path / "tls").mkdir()
    return Certificate.made_in(tmp_path / "tls")


@pytest.fixture
def secure(folder: Path, certificate: Certificate) -> Iterator[Hub]:
    with Hub({REPOSITORY: folder}, tls=certificate.context()) as hub:
        yield hub


@pytest.fixture
def trusted(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))


async def test_a_mirror_whose_certificate_nobody_vouches_for_is_refused_at_once(
    models: Models, recorder: Recorder, secure: Hub
) -> None:
    failed = await failure(models, recorder, secure.url)
    assert failed.kind == "mirror_invalid"
    assert "certificate" in failed.message
    assert secure.log == []


@pytest.mark.usefixtures("trusted")
async def test_a_mirror_whose_certificate_is_anothers_is_refused(
    models: Models, recorder: Recorder, secure: Hub
) -> None:
    other_name = secure.url.replace("127.0.0.1", "localhost")
    assert (await failure(models, recorder, other_name)).kind == "mirror_invalid"
    assert secure.log == []


@pytest.mark.usefixtures("trusted")
async def test_a_certificate_that_the_environment_trusts_is_accepted(
    models: Models, recorder: Recorder, secure: Hub
) -> None:
    await models.download(mirror=secure.url)
    assert (await recorder.end()).status == "completed"


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("on", ["info", "tree", "get"])
async def test_a_redirect_from_https_to_http_is_never_followed(
    models: Models, recorder: Recorder, secure: Hub, hub: Hub, on: str
) -> None:
    secure.fault(faults.redirect(f"{hub.url}/{REPOSITORY}/resolve/main/config.json"), on=on)
    assert (await failure(models, recorder, secure.url)).kind == "mirror_invalid"
    assert hub.log == []


async def test_a_redirect_to_an_origin_whose_certificate_is_not_trusted_is_refused(
    models: Models, recorder: Recorder, secure: Hub, hub: Hub
) -> None:
    hub.fault(faults.redirect(f"{secure.url}/{REPOSITORY}/resolve/main/config.json"), on="get")
    assert (await failure(models, recorder)).kind == "mirror_invalid"
    assert secure.log == []


@pytest.mark.usefixtures("trusted")
async def test_a_mirror_is_asked_through_the_proxy_of_the_environment(
    models: Models, recorder: Recorder, secure: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(secure.url.rpartition(":")[2])
    with Proxy(("127.0.0.1", port)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        await models.download(mirror="https://mirror.example")
        assert (await recorder.end()).status == "completed"
    assert set(proxy.asked) == {"CONNECT mirror.example:443 HTTP/1.1"}
    assert {request.endpoint for request in secure.log} == {"info", "tree", "get"}


async def test_a_proxy_that_does_not_get_through_makes_the_mirror_unreachable(
    models: Models, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Proxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        assert (await failure(models, recorder, "https://mirror.example")).kind == UNREACHABLE
    assert proxy.asked


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"])
async def test_this_computer_itself_is_asked_without_a_proxy(
    models: Models, recorder: Recorder, hub: Hub, secure: Hub, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    with Proxy() as proxy:
        monkeypatch.setenv(variable, proxy.url)
        await models.download(mirror=secure.url if variable == "HTTPS_PROXY" else hub.url)
        assert (await recorder.end()).status == "completed"
        assert proxy.asked == []
