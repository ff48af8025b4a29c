"""What the README tells people to type."""

from __future__ import annotations

import json
import subprocess

from tests.pipe import ROOT
from tests.proxy.serving import SECONDS, Served
from tests.rpc.asking import MODEL


def example() -> str:
    """The one that asks with `curl`."""
    blocks = (ROOT / "README.md").read_text().split("```sh\n")[1:]
    [block] = [code for block in blocks if "curl" in (code := block.partition("```")[0])]
    return block


def typed(served: Served, *changes: tuple[str, str]) -> str:
    """What is answered to the example, at that proxy and with other changes."""
    script = example()
    here = [
        ("127.0.0.1:60315/", f"127.0.0.1:{served.port}/"),
        ("~/.local/share/knowledge-focus.huozhong.in/api.token", str(served.token_file)),
        ('"qwen3-vl-4b"', f'"{MODEL}"'),
    ]
    for old, new in [*here, *changes]:
        assert script.count(old) == 1, f"{old} is not once in\n{script}"
        script = script.replace(old, new)
    ended = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


BRIEF = ('"messages"', '"max_tokens": 8, "messages"')


def test_the_example_is_answered(served: Served) -> None:
    assert json.loads(typed(served, BRIEF))["choices"][0]["message"]["role"] == "assistant"


def test_with_stream_it_comes_in_pieces(served: Served) -> None:
    *chunks, done = typed(served, ('"messages"', '"stream": true, "max_tokens": 8, "messages"')).split("data: ")[1:]
    assert done.strip() == "[DONE]"
    assert json.loads(chunks[0])["choices"][0]["delta"]["role"] == "assistant"
