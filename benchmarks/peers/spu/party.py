"""One of two SPU processes that train together, and the program that both run."""

import multiprocessing
import queue
import resource
import socket
import time
from typing import NamedTuple

import numpy as np
import spu.api as api
import spu.libspu as libspu

LIMIT = 1200  # seconds a training may take


class Problem(NamedTuple):
    """Full-batch gradient steps on rows × (cols[0] + cols[1]) features, two parties' columns side by side.

    Columns come multiplied by scale, and weights come divided by it: step/rows alone would have no digits in SPU's 18
    fractional bits, step/rows/scale² has.
    """

    rows: int
    cols: tuple[int, int]
    scale: float
    penalty: float
    step: float  # for unscaled columns
    iterations: int


class Trained(NamedTuple):
    """weights ends with the intercept; seconds of the slower party, CPU of both, memory of the larger process."""

    weights: np.ndarray
    seconds: float
    cpu_seconds: float
    peak_rss_bytes: int


def config() -> libspu.RuntimeConfig:
    """Cheetah on 64-bit rings: semi-honest, two parties, no dealer. SoftSpoken is the faster of its OTs on loopback."""
    c = libspu.RuntimeConfig()
    c.ParseFromJsonString(
        '{"protocol": "CHEETAH", "field": "FM64",'
        ' "cheetah_2pc_config": {"ot_kind": "YACL_Softspoken"}}'
    )
    return c


def sigmoid(z, xp):
    """t1, the cheapest approximation in use: the line through (0, 1/2) of slope 1/4, cut at 0 and 1."""
    line = 0.5 + z / 4
    return xp.select([line < 0, line > 1], [xp.zeros_like(line), xp.ones_like(line)], line)


def descent(p: Problem, a, b, y, xp):
    """The training itself, on SPU's values or on numpy's: gradient steps with Nesterov's momentum."""
    x = xp.concatenate([a, b, xp.full((p.rows, 1), p.scale, xp.float32)], axis=1)
    ridge = p.step * p.penalty / p.rows * np.append(np.ones(sum(p.cols), np.float32), np.float32(0))
    w = before = xp.zeros(sum(p.cols) + 1, xp.float32)
    for t in range(1, p.iterations + 1):
        u = w + (t - 1) / (t + 2) * (w - before)
        error = sigmoid(x @ u, xp) - y
        before, w = w, u - p.step / p.rows / p.scale**2 * (x.T @ error) - ridge * u
    return w


def train(p: Problem, a: np.ndarray, b: np.ndarray, y: np.ndarray) -> Trained:
    """Shares the inputs, trains between two processes on loopback and opens the weights."""
    io = api.Io(2, config())
    shares = [io.make_shares(v.astype(np.float32), libspu.Visibility.VIS_SECRET) for v in (a, b, y)]
    spawn = multiprocessing.get_context("spawn")
    answers, ports = spawn.Queue(), _free_ports()
    parties = [spawn.Process(target=_party, args=(r, ports, p, [s[r] for s in shares], answers)) for r in range(2)]
    try:
        for process in parties:
            process.start()
        got = _collect(answers, parties)
        for process in parties:
            process.join(60)
    finally:
        for process in parties:
            process.kill()
    weights = io.reconstruct([got[r][0] for r in range(2)])
    return Trained(weights, max(got[r][1] for r in range(2)), sum(got[r][2] for r in range(2)), max(got[r][3] for r in range(2)))


def _party(rank: int, ports: list[int], p: Problem, shares: list[libspu.Share], answers) -> None:
    executable = _compile(p)
    desc = libspu.link.Desc()
    for i, port in enumerate(ports):
        desc.add_party(f"party{i}", f"127.0.0.1:{port}")
    desc.recv_timeout_ms = LIMIT * 1000
    link = libspu.link.create_brpc(desc, rank)
    runtime = api.Runtime(link, config())
    for name, share in zip(executable.input_names, shares):
        runtime.set_var(name, share)
    link.barrier()
    began, (used, _) = time.perf_counter(), _usage()
    runtime.run(executable)
    seconds, (cpu, rss) = time.perf_counter() - began, _usage()
    answers.put((rank, runtime.get_var(executable.output_names[0]), seconds, cpu - used, rss))
    link.barrier()
    link.stop_link()


def _compile(p: Problem) -> libspu.Executable:
    import jax.numpy as jnp
    import spu.utils.frontend as frontend

    shapes = [np.zeros((p.rows, c), np.float32) for c in p.cols] + [np.zeros(p.rows, np.float32)]
    executable, _ = frontend.compile(
        frontend.Kind.JAX, lambda a, b, y: descent(p, a, b, y, jnp), shapes, {},
        ["a", "b", "y"], [libspu.Visibility.VIS_SECRET] * 3, lambda _: ["w"],
    )
    return executable


def _collect(answers, parties: list) -> dict[int, tuple]:
    """Waits for both, but not for one that has died."""
    got, deadline = {}, time.monotonic() + LIMIT
    while len(got) < len(parties):
        try:
            rank, *rest = answers.get(timeout=1)
            got[rank] = rest
        except queue.Empty:
            if any(p.exitcode for p in parties) or time.monotonic() > deadline:
                raise RuntimeError("an SPU process ended without an answer, or took too long") from None
    return got


def _usage() -> tuple[float, int]:
    u = resource.getrusage(resource.RUSAGE_SELF)
    return u.ru_utime + u.ru_stime, u.ru_maxrss * 1024


def _free_ports() -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports
