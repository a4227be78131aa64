"""A real Slurm on this machine, to test the profile and to try it out: nodes with pretended GPUs and no network.

    python tests/slurm_cluster.py up --nodes 3 --gpus 2        (as root; what Debian calls the parts: see PACKAGES)
    python tests/slurm_cluster.py down

The nodes live in a network namespace that knows the controller and nothing else, as compute nodes of a cluster do.
Their GPUs are character devices: Slurm hands them out and sets CUDA_VISIBLE_DEVICES as with real ones. Memory is
enforced. Who tries it out says `export VAEMATRIX_ALLOW_CPU=1`, since torch sees no such GPU.
"""

import argparse
import contextlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("slurmctld", "slurmd", "sbatch", "munged", "ip")
PACKAGES = "slurmctld slurmd slurm-client munge iproute2"
NAMESPACE, LOGIN, NODES = "vaematrix-nodes", "10.213.77.1", "10.213.77.2"
SLURM = Path("/etc/slurm")  # the plugin's job step drops SLURM_CONF, so the files must be where Slurm looks by itself
OURS = "# made by vaematrix's tests\n"
GPU_MAJOR, GPU_MINOR = 1, 3  # a character device is all that Slurm asks for: /dev/null's numbers


@dataclass(frozen=True)
class Cluster:
    """What to bring up.

    Attributes:
        folder: of state, logs and sockets. nodes: named node1 … gpus: of each node. memory_mb: that each node claims.
        accounting: bring up MariaDB and slurmdbd, so that sacct works. extra: further lines of slurm.conf.
    """

    folder: Path
    nodes: int = 3
    gpus: int = 2
    memory_mb: int = 16_000
    accounting: bool = False
    extra: str = ""

    def up(self) -> None:
        """Start everything; returns when all nodes are idle. Raises RuntimeError where something does not come up."""
        refuse_a_foreign_slurm(self.accounting)
        os.environ["VAEMATRIX_ALLOW_CPU"] = "1"  # what is submitted from here gets GPUs that torch cannot see
        for name in ("run", "log", "state", "gpu"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self._network()
        self._write(SLURM / "slurm.conf", self._slurm_conf())
        self._write(SLURM / "gres.conf", "".join(self._gpus_of(node) for node in range(1, self.nodes + 1)))
        self._munge()
        if self.accounting:
            self._database()
        self._start("slurmctld", "-c")
        for node in range(1, self.nodes + 1):
            self.start_node(node)
        wait_for(lambda: idle_nodes() == self.nodes, "all nodes to be idle", self.folder / "log/slurmctld.log")

    def start_node(self, node: int) -> None:
        """Start the daemon of one node, inside the nodes' network."""
        (self.folder / f"spool/node{node}").mkdir(parents=True, exist_ok=True)
        self._start("nsenter", f"--net=/run/netns/{NAMESPACE}", "slurmd", "-N", f"node{node}")

    def kill_node(self, node: int) -> None:
        """What a power cut does: the daemon and all that it started are gone, with no goodbye."""
        daemon = int((self.folder / f"run/slurmd.node{node}.pid").read_text())
        jobs = [pid for pid in processes() if f"SLURMD_NODENAME=node{node}" in environment(pid)]
        steps = [pid for pid in processes() if command(pid).startswith("slurmstepd") and node_of_step(pid) == node]
        for pid in [daemon, *steps, *jobs]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def down(self) -> None:
        """Stop everything that `up` started, and remove what it wrote outside of its folder."""
        subprocess.run(["scancel", "--user", str(os.getuid())], capture_output=True)
        for file in sorted((self.folder / "run").glob("*.pid"), key=lambda path: path.name, reverse=True):
            stop(int(file.read_text()))
            file.unlink(missing_ok=True)
        remove_network()
        for name in ("slurm.conf", "gres.conf", "slurmdbd.conf"):
            (SLURM / name).unlink(missing_ok=True)

    def _network(self) -> None:
        remove_network()
        inside = ["ip", "-n", NAMESPACE]
        for words in (
            ["ip", "netns", "add", NAMESPACE],
            ["ip", "link", "add", "vm-login", "type", "veth", "peer", "name", "vm-nodes", "netns", NAMESPACE],
            ["ip", "address", "add", f"{LOGIN}/30", "dev", "vm-login"],
            ["ip", "link", "set", "vm-login", "up"],
            [*inside, "address", "add", f"{NODES}/30", "dev", "vm-nodes"],
            [*inside, "link", "set", "vm-nodes", "up"],
            [*inside, "link", "set", "lo", "up"],
        ):
            subprocess.run(words, check=True)

    def _munge(self) -> None:
        key = self.folder / "munge.key"
        if not key.exists():
            key.touch(mode=0o400)
            key.write_bytes(secrets.token_bytes(128))
        Path("/run/munge").mkdir(mode=0o755, exist_ok=True)  # the default socket's place, where all tools look
        run, log = self.folder / "run", self.folder / "log"
        self._start(
            "munged", f"--key-file={key}", f"--pid-file={run}/munged.pid", f"--log-file={log}/munged.log",
            f"--seed-file={run}/munge.seed", "--force",
        )  # fmt: skip

    def _database(self) -> None:
        data, run, log = self.folder / "mysql", self.folder / "run", self.folder / "log"
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir()
        where = ["--no-defaults", "--user=root", f"--datadir={data}"]  # another user may not enter the folder
        how = ["--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run(["mariadb-install-db", *where, *how], check=True, capture_output=True)
        listening = run / "mariadb.socket"
        with (log / "mariadb.log").open("w") as output:
            server = subprocess.Popen(
                ["mariadbd", *where, f"--socket={listening}", "--bind-address=127.0.0.1", "--port=13306"],
                stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        (run / "mariadbd.pid").write_text(str(server.pid))
        client = ["mariadb", "--no-defaults", f"--socket={listening}", "--user=root"]
        up = lambda: subprocess.run([*client, "-e", ""], capture_output=True).returncode == 0  # noqa: E731
        wait_for(up, "MariaDB", log / "mariadb.log")
        statements = (
            "create database slurm_acct_db; create user slurm@'127.0.0.1' identified by 'slurm'; "
            "grant all on slurm_acct_db.* to slurm@'127.0.0.1';"
        )
        subprocess.run([*client, "-e", statements], check=True)
        self._write(SLURM / "slurmdbd.conf", SLURMDBD_CONF.format(run=run, log=log), mode=0o600)
        self._start("slurmdbd")
        ready = lambda: subprocess.run(["sacctmgr", "-n", "show", "cluster"], capture_output=True).returncode == 0  # noqa: E731
        wait_for(ready, "slurmdbd", log / "slurmdbd.log")
        for words in ("cluster test", "account project Description=x Organization=x", "user root Account=project"):
            subprocess.run(["sacctmgr", "-i", "add", *words.split()], check=True, capture_output=True)

    def _slurm_conf(self) -> str:
        host = socket.gethostname().split(".")[0]
        nodes = "".join(
            f"NodeName=node{node} NodeHostname={host} NodeAddr={NODES} Port={17000 + node} CPUs=8 "
            f"RealMemory={self.memory_mb} Gres=gpu:{self.gpus} State=UNKNOWN\n"
            for node in range(1, self.nodes + 1)
        )
        accounting = SLURM_CONF_ACCOUNTING if self.accounting else "AccountingStorageType=accounting_storage/none\n"
        return (
            SLURM_CONF.format(host=host, login=LOGIN, folder=self.folder) + accounting + self.extra + nodes + PARTITION
        )

    def _gpus_of(self, node: int) -> str:
        folder = self.folder / f"gpu/node{node}"
        folder.mkdir(exist_ok=True)
        for gpu in range(self.gpus):
            device = folder / f"nvidia{gpu}"  # Slurm takes the index from the digit at the end
            if not device.exists():
                os.mknod(device, 0o666 | 0o020000, os.makedev(GPU_MAJOR, GPU_MINOR))
        return f"NodeName=node{node} Name=gpu File={folder}/nvidia[0-{self.gpus - 1}]\n"

    def _start(self, *words: str) -> None:
        subprocess.run(words, check=True, stdin=subprocess.DEVNULL)

    def _write(self, path: Path, text: str, mode: int = 0o644) -> None:
        path.parent.mkdir(exist_ok=True)
        path.touch(mode=mode)
        path.chmod(mode)
        path.write_text(OURS + text)


SLURM_CONF = """\
ClusterName=test
SlurmctldHost={host}({login})
SlurmctldPort=16817
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd.%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SchedulerParameters=bf_interval=1,sched_interval=1,sched_min_interval=0,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
SlurmdParameters=config_overrides
ReturnToService=2
SlurmdTimeout=10
MinJobAge=300
KillWait=5
PropagateResourceLimits=NONE
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
"""
SLURM_CONF_ACCOUNTING = """\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=localhost
AccountingStoragePort=16819
AccountingStorageTRES=gres/gpu
AccountingStoreFlags=job_comment
"""
SLURMDBD_CONF = """\
AuthType=auth/munge
DbdHost=localhost
DbdPort=16819
SlurmUser=root
LogFile={log}/slurmdbd.log
PidFile={run}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=13306
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_acct_db
"""
PARTITION = "PartitionName=main Nodes=ALL Default=YES DefMemPerCPU=100 DefaultTime=10 MaxTime=INFINITE State=UP\n"


def refuse_a_foreign_slurm(accounting: bool = False) -> None:
    """Raise a RuntimeError on a machine to set up no Slurm on: one that has its own, or lacks the parts."""
    programs, packages = PROGRAMS, PACKAGES
    if accounting:
        programs, packages = (*PROGRAMS, "slurmdbd", "mariadbd"), f"{PACKAGES} slurmdbd mariadb-server"
    conf = SLURM / "slurm.conf"
    if conf.exists() and not conf.read_text().startswith(OURS):
        raise RuntimeError(f"{conf} is a configuration of this machine's own; it is left alone.")
    if conf.exists() and shutil.which("scontrol") and " is UP" in said("scontrol", "ping"):
        raise RuntimeError("another test's Slurm is up on this machine; wait for its end, or: slurm_cluster.py down")
    if os.getuid() != 0:
        raise RuntimeError("a Slurm of one's own must be set up as root")
    if absent := [name for name in programs if not shutil.which(name)]:
        raise RuntimeError(f"{', '.join(absent)}: not installed (Debian: apt-get install {packages})")


def remove_network() -> None:
    """End what still runs on the nodes, and take their network away; nothing where there is none."""
    for pid in map(int, said("ip", "netns", "pids", NAMESPACE).split()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for words in (["ip", "link", "delete", "vm-login"], ["ip", "netns", "delete", NAMESPACE]):
        subprocess.run(words, capture_output=True)


def idle_nodes() -> int:
    """How many nodes are ready for work."""
    return len(set(said("sinfo", "-h", "-N", "-t", "idle", "-o", "%N").split()))


def said(*words: str) -> str:
    """The standard output of a command, whether it succeeds or not."""
    return subprocess.run(words, capture_output=True, text=True).stdout


def processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def environment(pid: int) -> list[str]:
    """The variables a process was started with; none where it is gone."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
    except OSError:
        return ""


def node_of_step(pid: int) -> int | None:
    """The node whose step the daemon `pid` keeps, known by the log that it holds open."""
    for link in Path(f"/proc/{pid}/fd").glob("*"):
        with contextlib.suppress(OSError):
            if match := re.search(r"/slurmd\.node(\d+)\.log$", str(link.readlink())):
                return int(match[1])
    return None


def stop(pid: int) -> None:
    """End a daemon, by force where it does not go by itself."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        for _ in range(100):
            os.kill(pid, 0)
            time.sleep(0.1)
        os.kill(pid, signal.SIGKILL)


def wait_for(condition: Callable[[], bool], what: str, log: Path, seconds: float = 30) -> None:
    """Return as soon as `condition` holds. Raises RuntimeError with the end of `log` where it does not come true."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"waited {seconds:.0f} s for {what}; {log} ends with:\n{log.read_text()[-2000:]}")
        time.sleep(0.1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["up", "down"])
    parser.add_argument("--folder", type=Path, default=Path("/tmp/vaematrix-slurm"))
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--gpus", type=int, default=2, help="of each node")
    parser.add_argument("--accounting", action="store_true", help="with MariaDB and slurmdbd")
    chosen = parser.parse_args()
    cluster = Cluster(chosen.folder, chosen.nodes, chosen.gpus, accounting=chosen.accounting)
    cluster.up() if chosen.action == "up" else cluster.down()
