import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from tests.conftest import _machine

PROGRAM = """
import socket, subprocess, sys, time
from pathlib import Path
import fiftyone as fo
from synthmed.app.import_points import import_points
from synthmed.app.runs import delete_run, list_runs
from synthmed.errors import DatasetError
from synthmed.points import read_points

mongod, folder, port, data = sys.argv[1:]

def start():
    command = [mongod, "--dbpath", folder, "--port", port, "--nounixsocket", "--bind_ip", "127.0.0.1"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while True:
        try:
            with socket.create_connection(("127.0.0.1", int(port)), timeout=1):
                return server
        except OSError:
            time.sleep(0.1)

server = start()
try:
    dataset = fo.Dataset("lost", persistent=True)
    dataset.add_samples([fo.Sample("own.png")], progress=False)
    points = read_points(Path(data, "points.csv"), Path(data, "images"))

    def end_it(done, total):
        server.terminate()
        server.wait()

    try:
        import_points(dataset, points, Path(data, "images"), progress=end_it)
    except DatasetError as error:
        print("TOLD", error)
    server = start()
    dataset.reload()
    runs = [(run.key, run.state) for run in list_runs(dataset)]
    print("LEFT", runs, len(dataset) == 1 + len(points.images))
    print("GONE", delete_run(dataset, "import_points_1").samples, dataset.values("filepath"))
finally:
    server.terminate()
    server.wait()
"""


def test_a_run_whose_database_ends_is_told_and_can_be_deleted_later(tmp_path, phantom_dir):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    (tmp_path / "db").mkdir()
    mongod = _machine().installed_file("fiftyone", "fiftyone/db/bin/mongod")
    uri = f"mongodb://127.0.0.1:{port}/?serverSelectionTimeoutMS=2000"
    command = [sys.executable, "-c", PROGRAM, str(mongod), str(tmp_path / "db"), port, str(phantom_dir)]
    env = {**os.environ, "FIFTYONE_DATABASE_URI": uri, "PYTHONPATH": str(Path(__file__).parents[2])}
    program = subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        said, wrong = program.communicate(timeout=500)
    finally:
        with contextlib.suppress(ProcessLookupError):  # its database must not outlive it
            os.killpg(program.pid, signal.SIGKILL)
    lines = [line.partition(" ") for line in said.splitlines()]
    told = {word: rest for word, _, rest in lines if word in ("TOLD", "LEFT", "GONE")}
    assert program.returncode == 0, wrong
    assert "database does not answer" in told["TOLD"]
    assert "delete the run 'import_points_1', which was cut off" in told["TOLD"]
    assert len(told["TOLD"]) < 400
    assert told["LEFT"] == "[('import_points_1', 'running')] True"
    samples, left = told["GONE"].split(" ", 1)
    assert int(samples) > 0 and left.count(".png") == 1
