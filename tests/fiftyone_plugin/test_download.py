"""The way in by `fiftyone plugins download`, from a server of the test's own instead of the repository's."""

import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fiftyone as fo
import fiftyone.plugins as fop
import pytest

ROOT = Path(__file__).resolve().parents[2]
NAME = "@synthmed/synthmed"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def url(tmp_path):
    """The address of an archive as a host of repositories makes it: everything in a folder of one name."""
    checkout = tmp_path / "archive" / "synthmed-main"
    shutil.copytree(
        ROOT / "fiftyone_plugin", checkout / "fiftyone_plugin", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ROOT / "pyproject.toml", checkout)
    (tmp_path / "served").mkdir()
    shutil.make_archive(str(tmp_path / "served" / "synthmed"), "zip", checkout.parent)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path / "served")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/synthmed.zip"
    server.shutdown()
    server.server_close()


def test_the_folder_comes_whole_and_its_requirements_are_met(url, tmp_path, monkeypatch):
    monkeypatch.setattr(fo.config, "plugins_dir", str(tmp_path / "plugins"))
    folders = fop.download_plugin(url)
    assert list(folders) == [NAME]
    found = {path.relative_to(folders[NAME]) for path in Path(folders[NAME]).rglob("*.*")}
    wanted = {path.relative_to(ROOT / "fiftyone_plugin") for path in (ROOT / "fiftyone_plugin").rglob("*.*")}
    assert {path for path in wanted if "__pycache__" not in path.parts} == found
    # A checkout that is installed is what the requirements ask for: pip has nothing to look up.
    fop.ensure_plugin_requirements(NAME)
    assert [str(line).partition("[")[0] for line in fop.load_plugin_requirements(NAME)] == ["synthmed"]
