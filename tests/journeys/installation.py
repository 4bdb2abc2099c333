"""An installation as an operator runs it: ``gridmgmt serve`` in a process of its own, with its worker."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

CHECKOUT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60.0


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Installation:
    """Server and worker on one database.

    Parameters
    ----------
    url : of a migrated database.
    home : keeps the photos and what the processes say.
    environment : what the installation is for.
    settings : more settings by name.
    """

    def __init__(self, url: str, home: Path, *, environment: str = "demo", **settings: str) -> None:
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self._log = home / "server.log"
        kept = {k: v for k, v in os.environ.items() if not k.startswith("GRIDMGMT_")}
        self._environment = (
            kept
            | {
                "GRIDMGMT_ENVIRONMENT": environment,
                "GRIDMGMT_PORT": str(self.port),
                "GRIDMGMT_DATABASE_URL": url,
                "GRIDMGMT_HOME": str(home),
                "GRIDMGMT_WEB_DIR": str(CHECKOUT / "web" / "dist"),
                "GRIDMGMT_DATA_DIR": str(CHECKOUT / "data"),
            }
            | {f"GRIDMGMT_{name.upper()}": value for name, value in settings.items()}
        )
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, *command: str) -> str:
        """Run ``gridmgmt`` with these words to its end; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "gridmgmt", *command],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S * 2,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self) -> None:
        """Serve, and return when it is ready to work."""
        command = [sys.executable, "-m", "gridmgmt", "serve", "--port", str(self.port)]
        with self._log.open("ab") as log:
            # A session of its own, so that the worker can be killed with the server.
            self._process = subprocess.Popen(
                command, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            assert self._process.poll() is None, self.said()
            with suppress(URLError, ConnectionError, TimeoutError):
                with urlopen(f"{self.base_url}/readyz", timeout=5) as answer:
                    assert answer.status == 200
                return
            time.sleep(0.05)  # a process that starts has no other way to tell
        raise AssertionError(self.said())

    def kill(self) -> None:
        """Kill server and worker on the spot, as a power cut would."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(PATIENCE_S)

    def children(self) -> list[int]:
        """Process ids that the server started and that still run."""
        assert self._process is not None
        listed = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        return [int(pid) for pid in listed.split()]

    def kill_server_alone(self) -> None:
        """Kill the server and leave its worker to find out."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(PATIENCE_S)

    def stop(self) -> None:
        """Ask both to end, and kill what does not."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(PATIENCE_S / 3)
        except subprocess.TimeoutExpired:
            self.kill()

    def said(self) -> str:
        """What server and worker wrote."""
        return self._log.read_text(encoding="utf-8") if self._log.exists() else ""
