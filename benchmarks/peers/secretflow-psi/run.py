"""SecretFlow's PSI between two processes on loopback, over the files that tacit bench makes.

Prints one JSON object, in the last line. The clock runs from the moment both processes are connected until both have written
their output. Bytes are those of the loopback interface meanwhile: keep the machine quiet.
"""

import argparse
import csv
import importlib.metadata
import json
import multiprocessing
import os
import pathlib
import queue
import socket
import sys
import tempfile
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parent))
import party  # noqa: E402

PROTOCOLS = {
    "ecdh-25519": ("PROTOCOL_ECDH", "CURVE_25519"),
    "ecdh-25519-ell2": ("PROTOCOL_ECDH", "CURVE_25519_ELLIGATOR2"),
    "ecdh-fourq": ("PROTOCOL_ECDH", "CURVE_FOURQ"),
    "kkrt": ("PROTOCOL_KKRT", ""),
    "rr22": ("PROTOCOL_RR22", ""),
}


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--proto", choices=PROTOCOLS, default="rr22")
    p.add_argument("--receiver", required=True, help="the receiver's file: a header, a key per line")
    p.add_argument("--sender", required=True, help="the sender's file")
    p.add_argument("--threads", type=int, default=1, help="cores of each process")
    p.add_argument("--repeat", type=int, default=3)
    a = p.parse_args()
    mine, theirs = keys(a.receiver), keys(a.sender)
    want = set(mine) & set(theirs)
    before = traces()
    try:
        runs = [once(a) for _ in range(a.repeat)]
    finally:
        for path in traces() - before:
            path.unlink()
    print("\n" + json.dumps({
        "peer": "secretflow-psi",
        "version": "spu " + importlib.metadata.version("spu"),
        "protocol": a.proto,
        "n": len(mine),
        "m": len(theirs),
        "threads": a.threads,
        "wall_seconds": [r["wall"] for r in runs],
        "cpu_seconds": [r["cpu"] for r in runs],
        "bytes_sent": max(r["bytes"] for r in runs),
        "peak_rss_bytes": max(r["rss"] for r in runs),
        "intersection": runs[0]["count"],
        "correct": all(set(r["rows"]) == want and len(r["rows"]) == len(want) for r in runs),
    }), flush=True)


def once(a: argparse.Namespace) -> dict:
    """Runs both processes; each may use as many cores as it has threads, core 0 first for both where there are too few."""
    spawn = multiprocessing.get_context("spawn")
    answers, ready, go = spawn.Queue(), spawn.Semaphore(0), spawn.Semaphore(0)
    with tempfile.TemporaryDirectory() as d:
        rows = tuple(os.path.join(d, f"{r}.csv") for r in range(2))
        task = party.Task(*PROTOCOLS[a.proto], (a.receiver, a.sender), rows, free_ports())
        parties = [spawn.Process(target=party.main, args=(r, task, ready, go, answers)) for r in range(2)]
        try:
            for rank, process in enumerate(parties):
                process.start()
                pin(process.pid, rank, a.threads)
            for _ in parties:
                if not ready.acquire(timeout=120):
                    raise RuntimeError("a process does not connect")
            before, began = loopback(), time.perf_counter()
            for _ in parties:
                go.release()
            got = collect(answers, parties)
            wall, after = time.perf_counter() - began, loopback()
            for process in parties:
                process.join(60)
        finally:
            for process in parties:
                process.kill()
        return {
            "wall": wall, "cpu": sum(g[1] for g in got.values()), "rss": max(g[2] for g in got.values()),
            "count": got[0][3], "bytes": after - before, "rows": keys(rows[0]),
        }


def traces() -> set[pathlib.Path]:
    """Files that the library leaves behind wherever it runs."""
    return set(pathlib.Path("/tmp").glob("psi_*.trace"))


def pin(pid: int, rank: int, threads: int) -> None:
    """The library sizes its pools by the cores it may use; there is no other way to give it one thread."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(pid, {cores[(rank * threads + i) % len(cores)] for i in range(threads)})


def collect(answers, parties: list) -> dict[int, tuple]:
    """Waits for both, but not for one that has died."""
    got, deadline = {}, time.monotonic() + party.LIMIT
    while len(got) < len(parties):
        try:
            rank, *rest = answers.get(timeout=1)
            got[rank] = rest
        except queue.Empty:
            if any(p.exitcode for p in parties) or time.monotonic() > deadline:
                raise RuntimeError("a process ended without an answer, or took too long") from None
    return got


def loopback() -> int:
    """Bytes sent over loopback so far, TCP's headers and acknowledgements included."""
    with open("/proc/net/dev") as f:
        for line in f:
            name, _, rest = line.partition(":")
            if name.strip() == "lo":
                return int(rest.split()[8])
    return 0


def keys(path: str) -> list[str]:
    with open(path, newline="") as f:
        return [row["id"] for row in csv.DictReader(f)]


def free_ports() -> tuple[int, int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports[0], ports[1]


if __name__ == "__main__":
    main()
