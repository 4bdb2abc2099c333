"""The private cluster: one server whatever happens to it, never root's, and nothing committed is lost."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from gridmgmt.errors import Unavailable
from gridmgmt.storage import postmaster
from gridmgmt.storage.embedded import Cluster, ClusterState

LONGEST_SOCKET_PATH_BYTES = 107
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else "/var/tmp"
UP_IN_ANOTHER_PROCESS = """
import sys
from pathlib import Path
from gridmgmt.storage.embedded import Cluster
print(Cluster(Path(sys.argv[1]), durable=False).up())
"""


def make_reachable_directory(parent: str) -> Path:
    """pytest's tmp_path is 0700 for root, so the server's user could not enter it."""
    path = Path(tempfile.mkdtemp(prefix="gridmgmt-test-", dir=parent))
    path.chmod(0o755)
    return path


def connect(cluster: Cluster, database: str = "gridmgmt") -> psycopg.Connection:
    return psycopg.connect(cluster.dsn(database).replace("+psycopg", ""), autocommit=True)


def ask(cluster: Cluster, query: str) -> object:
    with connect(cluster) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def kill_postmaster(cluster: Cluster) -> None:
    pid = cluster.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def on_disk() -> Iterator[Cluster]:
    """A durable cluster on a real disk; tests may hurt it and leave it up or down."""
    directory = make_reachable_directory("/var/tmp")
    cluster = Cluster(directory / "pg")
    yield cluster
    cluster.up()  # so that recovery frees the shared memory of a killed server
    cluster.destroy()
    shutil.rmtree(directory)


@pytest.fixture
def home() -> Iterator[Path]:
    """The home of a cluster yet to be made, in memory where there is any."""
    directory = make_reachable_directory(MEMORY)
    yield directory / "pg"
    Cluster(directory / "pg").destroy()
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def in_memory() -> Iterator[Cluster]:
    directory = make_reachable_directory(MEMORY)
    cluster = Cluster(directory / "pg", durable=False)
    cluster.up()
    yield cluster
    cluster.destroy()
    shutil.rmtree(directory)


def test_up_twice_is_the_same_server_and_the_same_database(on_disk: Cluster) -> None:
    first = on_disk.up(), on_disk.status().pid
    second = on_disk.up(), on_disk.status().pid
    assert first == second
    assert on_disk.dsn() == first[0]


def test_the_server_belongs_to_an_ordinary_user_even_when_root_starts_it(on_disk: Cluster) -> None:
    on_disk.up()
    owner = Path(f"/proc/{on_disk.status().pid}").stat().st_uid
    assert owner != 0
    assert os.geteuid() in {0, owner}


def test_a_durable_cluster_waits_for_the_disk(on_disk: Cluster) -> None:
    on_disk.up()
    shown = [ask(on_disk, f"SHOW {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")]
    assert shown == ["on", "on", "on"]


def test_killing_the_postmaster_loses_no_committed_row(on_disk: Cluster) -> None:
    on_disk.up()
    with connect(on_disk) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (round int)")
    for number in range(3):
        with connect(on_disk) as connection:
            connection.execute("INSERT INTO kept VALUES (%s)", [number])
        kill_postmaster(on_disk)
        on_disk.up()
    assert ask(on_disk, "SELECT count(*) FROM kept") == 3


def test_status_does_not_call_a_killed_server_running(on_disk: Cluster) -> None:
    on_disk.up()
    assert on_disk.status().state is ClusterState.RUNNING
    kill_postmaster(on_disk)
    status = on_disk.status()
    # The killed process is still a zombie here, and its children may need a moment to notice.
    assert status.state in {ClusterState.STOPPED, ClusterState.STARTING}
    assert status.pid is None


def test_status_follows_the_life_of_a_cluster(home: Path) -> None:
    cluster = Cluster(home, durable=False)
    assert cluster.status().state is ClusterState.ABSENT
    cluster.up()
    assert cluster.status().state is ClusterState.RUNNING
    assert cluster.status().major_version == "15"
    cluster.down()
    assert cluster.status().state is ClusterState.STOPPED
    cluster.down()
    cluster.destroy()
    assert cluster.status().state is ClusterState.ABSENT


def test_four_starts_at_once_are_one_start(home: Path) -> None:
    command = [sys.executable, "-c", UP_IN_ANOTHER_PROCESS, str(home)]
    starts = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)
    ]
    answers = [start.communicate(timeout=60) for start in starts]
    assert [start.returncode for start in starts] == [0] * 4, answers
    assert len({out for out, _ in answers}) == 1
    assert (home / "postgres.log").read_text().count("starting PostgreSQL") == 1


def test_the_socket_path_stays_short_however_deep_the_home_is() -> None:
    cluster = Cluster(Path("/var/lib") / ("街道" * 50) / "pg")
    assert len(os.fsencode(cluster.socket_dir / ".s.PGSQL.5432")) <= LONGEST_SOCKET_PATH_BYTES


def test_nobody_else_can_reach_the_socket_and_there_is_no_tcp(in_memory: Cluster) -> None:
    assert in_memory.socket_dir.stat().st_mode & 0o777 == 0o700
    assert ask(in_memory, "SHOW listen_addresses") == ""


def test_a_left_over_pid_file_naming_a_living_stranger_does_not_stop_a_start(in_memory: Cluster) -> None:
    in_memory.down()
    stranger = f"{os.getpid()}\n{in_memory.home / 'data'}\n"
    (in_memory.home / "data" / "postmaster.pid").write_text(stranger)
    assert in_memory.status().pid is None
    in_memory.up()
    assert in_memory.status().state is ClusterState.RUNNING


def test_a_server_whose_socket_was_swept_away_is_started_again(
    in_memory: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = in_memory.up(), in_memory.status().pid
    monkeypatch.setattr(postmaster, "SILENT_LIMIT_S", 1)
    shutil.rmtree(in_memory.socket_dir)
    after = in_memory.up(), in_memory.status().pid
    assert before[0] == after[0]
    assert before[1] != after[1]


def test_an_interrupted_initdb_leaves_no_half_cluster(home: Path) -> None:
    (home / "data.new").mkdir(parents=True)
    (home / "data.new" / "PG_VERSION").write_text("15\n")
    cluster = Cluster(home, durable=False)
    assert cluster.status().state is ClusterState.ABSENT
    cluster.up()
    assert not (home / "data.new").exists()


def test_broken_data_are_remade_for_tests_but_never_for_a_durable_cluster(home: Path) -> None:
    cluster = Cluster(home, durable=False)
    cluster.up()
    cluster.down()
    (home / "data" / "global" / "pg_control").write_bytes(b"broken")
    with pytest.raises(Unavailable) as refused:
        Cluster(home, durable=True).up()
    assert "pg_control" in refused.value.facts["log"]
    assert (home / "data").exists()
    cluster.up()
    assert cluster.status().state is ClusterState.RUNNING


def test_changed_settings_reach_a_running_server(home: Path) -> None:
    Cluster(home, durable=False).up()
    durable = Cluster(home, durable=True)
    durable.up()
    # The server re-reads its files a moment after it was told to.
    assert "on" in (ask(durable, "SHOW fsync") for _ in range(500))


def test_a_home_that_cannot_be_made_is_named_with_a_way_out() -> None:
    with pytest.raises(Unavailable, match="cannot be used") as refused:
        Cluster(Path("/proc/gridmgmt/pg")).up()
    assert "GRIDMGMT_HOME" in refused.value.facts["hint"]


def test_a_directory_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    cluster = Cluster(tmp_path / "pg")
    cluster.socket_dir.symlink_to(tmp_path / "elsewhere")
    try:
        with pytest.raises(Unavailable, match="belongs to somebody else"):
            postmaster._make_private_directory(cluster.socket_dir, os.geteuid(), os.getegid())
    finally:
        cluster.socket_dir.unlink()


def test_missing_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postmaster, "INSTALLED_UNDER", tmp_path)
    with pytest.raises(Unavailable, match="is not installed") as refused:
        Cluster(tmp_path / "pg").program("initdb")
    assert refused.value.facts["package"] == "postgresql-15-postgis-3"


def test_trigrams_of_chinese_text_exist(in_memory: Cluster) -> None:
    in_memory.up()
    with connect(in_memory) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    assert ask(in_memory, "SELECT cardinality(show_trgm('城市管理'))") == 5


def test_a_template_is_built_once_however_many_ask(in_memory: Cluster) -> None:
    in_memory.up()
    built: list[str] = []

    def build(dsn: str) -> None:
        built.append(dsn)
        with psycopg.connect(dsn.replace("+psycopg", "")) as connection:
            connection.execute("CREATE TABLE marker AS SELECT 7 AS n")

    with ThreadPoolExecutor(4) as pool:
        for asked in [pool.submit(in_memory.create_template, "once_1", build) for _ in range(4)]:
            asked.result()
    assert built == [in_memory.dsn("once_1")]
    in_memory.drop("once_1")


def test_a_build_that_fails_leaves_no_template(in_memory: Cluster) -> None:
    in_memory.up()

    def fail(dsn: str) -> None:
        raise ValueError(dsn)

    with pytest.raises(ValueError, match="half_1"):
        in_memory.create_template("half_1", fail)
    in_memory.create_template("half_1", lambda dsn: None)
    in_memory.drop("half_1")


def test_clones_are_fresh_and_apart(in_memory: Cluster) -> None:
    in_memory.up()

    def build(dsn: str) -> None:
        # Left open on purpose: a forgotten connection must not block cloning.
        connection = psycopg.connect(dsn.replace("+psycopg", ""), autocommit=True)
        connection.execute("CREATE TABLE marker AS SELECT 7 AS n")
        left_open.append(connection)

    left_open: list[psycopg.Connection] = []
    in_memory.create_template("apart_1", build)
    for name in ("apart_a", "apart_b"):
        assert in_memory.clone("apart_1", name) == in_memory.dsn(name)
    with connect(in_memory, "apart_a") as connection:
        connection.execute("DELETE FROM marker")
    with connect(in_memory, "apart_b") as connection:
        assert connection.execute("SELECT n FROM marker").fetchall() == [(7,)]
    in_memory.clone("apart_1", "apart_a")
    with connect(in_memory, "apart_a") as connection:
        assert connection.execute("SELECT n FROM marker").fetchall() == [(7,)]
    left_open[0].close()
    for name in ("apart_a", "apart_b", "apart_1"):
        in_memory.drop(name)
    in_memory.drop("apart_a")


def test_the_last_one_out_stops_the_shared_cluster_and_keeps_only_the_newest_template(home: Path) -> None:
    with Cluster(home, durable=False).shared() as first:
        with Cluster(home, durable=False).shared() as second:
            assert first == second
            cluster = Cluster(home, durable=False)
            for name in ("template_old", "template_new"):
                cluster.create_template(name, lambda dsn: None)
            cluster.clone("template_new", "worker_gw0")
        assert cluster.status().state is ClusterState.RUNNING
    assert cluster.status().state is ClusterState.STOPPED
    cluster.up()
    assert ask(cluster, "SELECT string_agg(datname, ' ' ORDER BY datname::text) FROM pg_database") == (
        "gridmgmt postgres template0 template1 template_new"
    )


def test_an_unanswering_cluster_is_unavailable_with_a_hint(in_memory: Cluster) -> None:
    in_memory.down()
    with pytest.raises(Unavailable, match="does not answer") as refused:
        in_memory.ensure_database("any")
    assert refused.value.facts["hint"] == "start it with `gridmgmt db up`"
    in_memory.up()
