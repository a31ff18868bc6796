"""Logistic regression between two SPU processes on loopback: the nearest published system of the same trust model.

Prints one JSON object. What is measured is the training alone: shares are made before the clock starts, as data are
loaded before it starts in a job's training step.
"""

import argparse
import json
import multiprocessing
import pathlib
import resource
import socket
import statistics
import sys
import time

import numpy as np

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
import pooled  # noqa: E402


def config():
    """Cheetah on 64-bit rings: semi-honest, two parties, no dealer."""
    import spu.libspu as libspu

    c = libspu.RuntimeConfig(protocol=libspu.ProtocolKind.CHEETAH, field=libspu.FieldType.FM64)
    c.sigmoid_mode = libspu.RuntimeConfig.SigmoidMode.SIGMOID_SEG3
    return c


def compiled(rows: int, cols: int, iterations: int, step: float):
    """SPU's program: full-batch gradient steps with Nesterov's momentum and the penalty of a job's default."""
    import jax
    import jax.numpy as jnp
    import spu.libspu as libspu
    import spu.utils.frontend as frontend

    def train(a, b, y):
        x = jnp.concatenate([a, b, jnp.ones((rows, 1))], axis=1)
        penalised = jnp.append(jnp.ones(x.shape[1] - 1), 0.0)
        w = before = jnp.zeros(x.shape[1])
        for t in range(1, iterations + 1):
            u = w + max(0.0, (t - 1) / (t + 2)) * (w - before)
            error = jax.nn.sigmoid(x @ u) - y
            before, w = w, u - step * (x.T @ error / rows + penalised * u / rows)
        return w

    shapes = [np.zeros((rows, cols[0])), np.zeros((rows, cols[1])), np.zeros(rows)]
    executable, _ = frontend.compile(
        frontend.Kind.JAX, train, shapes, {}, ["a", "b", "y"], [libspu.Visibility.VIS_SECRET] * 3, lambda out: ["w"],
    )
    return executable


def party(rank: int, ports: list[int], problem: dict, shares: list, done) -> None:
    """One SPU process: links to the other, trains, answers its share of the weights and what it cost."""
    import spu.api as api
    import spu.libspu as libspu

    desc = libspu.link.Desc()
    for i, port in enumerate(ports):
        desc.add_party(f"party{i}", f"127.0.0.1:{port}")
    desc.recv_timeout_ms = 600_000
    executable = compiled(**problem)
    link = libspu.link.create_brpc(desc, rank)
    runtime = api.Runtime(link, config())
    for name, share in zip(executable.input_names, shares):
        runtime.set_var(name, share)
    link.barrier()
    began, cpu = time.perf_counter(), used()
    runtime.run(executable)
    cost = {"seconds": time.perf_counter() - began, "cpu_seconds": used() - cpu}
    done.put((rank, runtime.get_var(executable.output_names[0]), cost))
    link.barrier()
    link.stop_link()


def used() -> float:
    u = resource.getrusage(resource.RUSAGE_SELF)
    return u.ru_utime + u.ru_stime


def free_ports(n: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports


def train(parts: tuple[np.ndarray, np.ndarray], y: np.ndarray, iterations: int) -> tuple[np.ndarray, float, float]:
    """Returns the weights with the intercept last, the slower party's seconds and both parties' CPU seconds."""
    import spu.api as api
    import spu.libspu as libspu

    x = np.hstack([*parts, np.ones((len(y), 1))])
    step = 4 / (np.linalg.eigvalsh(x.T @ x / len(y))[-1] + 4 / len(y))
    problem = {"rows": len(y), "cols": [p.shape[1] for p in parts], "iterations": iterations, "step": float(step)}
    io = api.Io(2, config())
    shares = [io.make_shares(v, libspu.Visibility.VIS_SECRET) for v in (*parts, y.astype(float))]
    context = multiprocessing.get_context("spawn")
    done, ports = context.Queue(), free_ports(2)
    workers = [context.Process(target=party, args=(r, ports, problem, [s[r] for s in shares], done)) for r in range(2)]
    try:
        for p in workers:
            p.start()
        answers = sorted((done.get(timeout=1200) for _ in workers), key=lambda a: a[0])
        for p in workers:
            p.join(60)
    finally:
        for p in workers:
            p.kill()
    costs = [a[2] for a in answers]
    w = io.reconstruct([a[1] for a in answers])
    return w, max(c["seconds"] for c in costs), sum(c["cpu_seconds"] for c in costs)


if __name__ == "__main__":
    rng = np.random.default_rng(1)
    n = int(sys.argv[1])
    x = rng.normal(size=(n, 23)); w = rng.normal(size=23)*.3
    y = (rng.uniform(size=n) < 1/(1+np.exp(-x@w))).astype(int)
    t=time.time()
    got, s, c = train((x[:, :13], x[:, 13:]), y, int(sys.argv[2]))
    print(s, c, time.time()-t, np.abs(got[:23]-w).max())
