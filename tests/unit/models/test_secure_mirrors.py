"""Mirrors that speak https: certificates, redirects out of it, and the proxies of the environment."""

import gc
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.models import Models
from tests.hub import Certificate, Hub, Proxy, SocksProxy, faults
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
@pytest.mark.parametrize(
    "fault",
    [faults.cut(after=700_000), faults.stall(after=700_000)],
    ids=["cut", "stall"],
)
async def test_a_file_that_breaks_off_within_tls_is_taken_up_where_it_broke(
    models: Models, recorder: Recorder, secure: Hub, folder: Path, fault: faults.Fault
) -> None:
    secure.fault(fault, on="get", path="model.safetensors", times=1)
    await models.download(mirror=secure.url)
    assert (await recorder.end()).status == "completed"
    assert (models.get_model_path() / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()
    ranges = [request.headers.get("range") for request in secure.requests("get", "model.safetensors")]
    assert ranges == [None, "bytes=700000-"]


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
@pytest.mark.parametrize("scheme", ["http", "socks5", "socks4"])
async def test_this_computer_itself_is_asked_without_a_proxy(
    models: Models,
    recorder: Recorder,
    hub: Hub,
    secure: Hub,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    scheme: str,
) -> None:
    with Proxy() as proxy:
        monkeypatch.setenv(variable, proxy.url.replace("http", scheme))
        await models.download(mirror=secure.url if variable == "HTTPS_PROXY" else hub.url)
        assert (await recorder.end()).status == "completed"
        assert proxy.asked == []


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks"])
async def test_a_mirror_is_asked_through_a_socks_proxy_which_looks_its_name_up(
    models: Models, recorder: Recorder, secure: Hub, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    port = int(secure.url.rpartition(":")[2])
    with SocksProxy(("127.0.0.1", port)) as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.url.replace("socks5", scheme))
        await models.download(mirror="https://mirror.example")
        assert (await recorder.end()).status == "completed"
    assert set(proxy.asked) == {"mirror.example:443"}


@pytest.mark.parametrize("url", ["socks4://127.0.0.1:1", "socks4a://me:secret@127.0.0.1:1", "http://", "http://[::1"])
async def test_a_proxy_of_another_kind_is_named_and_keeps_no_mirror_of_this_computer_from_answering(
    models: Models, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", url)
    failed = await failure(models, recorder, "https://mirror.example")
    assert failed.kind == "proxy_invalid"
    assert "ALL_PROXY" in failed.message
    assert "secret" not in failed.message
    await models.download()
    assert (await recorder.end()).status == "completed"


# The HTTP library leaves what it connected to such a proxy to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
async def test_what_is_no_socks_proxy_makes_the_mirror_unreachable(
    models: Models, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Proxy() as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.url.replace("http", "socks5"))
        assert (await failure(models, recorder, "https://mirror.example")).kind == UNREACHABLE
    gc.collect()


@pytest.fixture(params=[None, "not a certificate"], ids=["missing", "other content"])
def unreadable(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of certificates that cannot be read."""
    file = tmp_path / "trusted.pem"
    if request.param is not None:
        file.write_text(request.param)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))


@pytest.mark.usefixtures("unreadable")
async def test_certificates_that_cannot_be_read_are_told_from_a_data_folder_that_cannot(
    models: Models, recorder: Recorder, secure: Hub
) -> None:
    for mirror in ("https://mirror.example", secure.url):
        failed = await failure(models, recorder, mirror)
        assert failed.kind == "certificates_invalid"
        assert "SSL_CERT_FILE" in failed.message


@pytest.mark.usefixtures("unreadable")
async def test_a_mirror_without_tls_needs_no_certificates_until_it_leads_to_one_with_it(
    models: Models, recorder: Recorder, hub: Hub, secure: Hub
) -> None:
    hub.fault(faults.redirect(f"{secure.url}/{REPOSITORY}/resolve/main/config.json"), on="get", times=1)
    assert (await failure(models, recorder)).kind == "certificates_invalid"
    assert secure.log == []
    await models.download()
    assert (await recorder.end()).status == "completed"


@pytest.mark.usefixtures("trusted")
async def test_a_mirror_without_tls_may_lead_to_one_with_it_that_is_trusted(
    models: Models, recorder: Recorder, hub: Hub, secure: Hub
) -> None:
    revision = hub.repositories[REPOSITORY].main.revision
    weights = f"{REPOSITORY}/resolve/{revision}/model.safetensors"
    hub.fault(faults.redirect(f"{secure.url}/{weights}"), on="get", path="model.safetensors")
    await models.download()
    assert (await recorder.end()).status == "completed"
    assert [request.file for request in secure.log] == ["model.safetensors"]


@pytest.mark.usefixtures("trusted")
async def test_where_a_mirror_of_this_computer_leads_outside_the_proxy_is_asked(
    models: Models, recorder: Recorder, hub: Hub, secure: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = f"{REPOSITORY}/resolve/{hub.repositories[REPOSITORY].main.revision}/model.safetensors"
    hub.fault(faults.redirect(f"https://mirror.example/{weights}"), on="get", path="model.safetensors")
    with Proxy(("127.0.0.1", int(secure.url.rpartition(":")[2]))) as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        await models.download()
        assert (await recorder.end()).status == "completed"
    assert proxy.asked == ["CONNECT mirror.example:443 HTTP/1.1"]
