"""Pictures of the window are taken when it is drawn and what moves on the page has ended, and in any case."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.e2e.display import virtual_display
from tests.e2e.window import Window, open_window

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="WebKit's driver for app windows exists on Linux only"),
    pytest.mark.timeout(180),
]

# Covers most of the window with a colour that turns from white to black, `rounds` times; done once that can be seen.
_COVER = """
const [milliseconds, rounds, done] = arguments;
document.getElementById("cover")?.remove();
const cover = Object.assign(document.body.appendChild(document.createElement("div")), { id: "cover" });
cover.style.cssText = "position: fixed; inset: 40px; z-index: 9; background: black";
const turning = [{ background: "white" }, { background: "black" }];
cover.animate(turning, { duration: milliseconds, iterations: rounds || Infinity });
requestAnimationFrame(() => requestAnimationFrame(done));
"""

# As a page that is there and not drawn yet.
_BLANK = """
const cover = document.body.appendChild(document.createElement("div"));
cover.style.cssText = "position: fixed; inset: 0; z-index: 10; background: white";
setTimeout(() => cover.remove(), 1000);
"""


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    home = tmp_path_factory.mktemp("screenshot")
    arguments = ["--data-dir", str(home / "data")]
    with virtual_display() as display, open_window(arguments, display=display, pictures=home, home=home) as window:
        window.by_role("button", "Download")
        yield window


def test_a_picture_waits_for_what_comes_to_an_end(window: Window) -> None:
    window.driver.execute_async_script(_COVER, 500, 1)
    assert middle(window.screenshot("ended")) == (0, 0, 0)


def test_a_picture_waits_until_something_is_drawn(window: Window) -> None:
    window.driver.execute_script(_BLANK)
    with Image.open(window.screenshot("drawn")) as picture:
        assert picture.getcolors(1) is None


@pytest.mark.parametrize("rounds", [0, 1], ids=["for ever", "for very long"])
def test_what_goes_on_is_taken_as_it_is(window: Window, rounds: int) -> None:
    window.driver.execute_async_script(_COVER, 3_600_000, rounds)
    assert middle(window.screenshot("going-on")) > (200, 200, 200)


def test_a_page_that_cannot_be_asked_does_not_hide_what_failed(window: Window) -> None:
    window.driver.execute_script("document.getAnimations = () => { throw new Error('not now') }")
    window.patience = 0.1
    with pytest.raises(AssertionError, match="nothing came"):
        window.wait(lambda: None, "nothing came")
    assert (window.pictures / "failure.png").is_file()


def middle(picture: Path) -> tuple[int, ...]:
    with Image.open(picture) as image:
        pixel = image.convert("RGB").getpixel((image.width // 2, image.height // 2))
    assert isinstance(pixel, tuple)
    return pixel
