"""The hub as a program: what `./just demo` and the tests of the window start."""

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_its_first_line_is_the_address_where_it_serves_the_folder(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "qwen3_vl"}')
    command = [sys.executable, "-m", "tests.hub", "--folder", str(tmp_path), "--rate", "1000000"]
    command += ["--catalog", str(tmp_path.parent / "catalog.json")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as hub:
        try:
            assert hub.stdout is not None
            url = hub.stdout.readline().strip()
            assert url.startswith("http://127.0.0.1:")
            (model,) = json.loads((tmp_path.parent / "catalog.json").read_text())["models"]
            assert model["mirrors"] == [url]
            assert model["totalBytes"] == (tmp_path / "config.json").stat().st_size
            with urllib.request.urlopen(f"{url}/api/models/knowledge-focus/qwen3-vl-demo/revision/main") as answer:
                revision = json.load(answer)["sha"]
            file = f"{url}/knowledge-focus/qwen3-vl-demo/resolve/{revision}/config.json"
            with urllib.request.urlopen(file, timeout=10) as answer:
                assert answer.headers["X-Repo-Commit"] == revision
                assert answer.read() == (tmp_path / "config.json").read_bytes()
            hub.send_signal(signal.SIGINT)
            assert hub.wait(timeout=10) == 0
        finally:
            hub.kill()


def test_a_folder_without_files_is_not_served(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.hub", "--folder", str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert "no files to serve" in ended.stderr
