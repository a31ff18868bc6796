"""One of two processes that intersect their files with SecretFlow's PSI."""

import os
import resource
import time
from typing import NamedTuple

LIMIT = 1800  # seconds a run may take


class Task(NamedTuple):
    """What both processes are told; files are those of ranks 0, who learns the intersection, and 1."""

    protocol: str
    curve: str
    keys: tuple[str, str]
    rows: tuple[str, str]
    ports: tuple[int, int]


def main(rank: int, task: Task, ready, go, answers) -> None:
    """Connects, waits for the start signal, intersects and reports seconds, CPU seconds, bytes and memory."""
    import spu.libspu as libspu
    import spu.psi as psi

    libspu.logging.setup_logging(_quiet(libspu, os.path.dirname(task.rows[rank])))
    desc = libspu.link.Desc()
    for i, port in enumerate(task.ports):
        desc.add_party(f"party{i}", f"127.0.0.1:{port}")
    desc.recv_timeout_ms = LIMIT * 1000
    link = libspu.link.create_brpc(desc, rank)
    config = psi.PsiExecuteConfig(
        protocol_conf=psi.PsiProtocolConfig(
            protocol=psi.parse_protocol(task.protocol),
            receiver_rank=0,
            broadcast_result=False,
            ecdh_params=psi.EcdhParams(curve=psi.parse_curve_type(task.curve)) if task.curve else psi.EcdhParams(),
        ),
        input_params=psi.InputParams(path=task.keys[rank], selected_keys=["id"], keys_unique=True),
        output_params=psi.OutputParams(path=task.rows[rank], disable_alignment=True),
    )
    ready.release()
    go.acquire()
    began, used = time.perf_counter(), _usage()[0]
    report = psi.psi_execute(config, link)
    seconds, (cpu, rss) = time.perf_counter() - began, _usage()
    answers.put((rank, seconds, cpu - used, rss, report.intersection_count))
    link.stop_link()


def _quiet(libspu, scratch: str):
    options = libspu.logging.LogOptions()
    options.system_log_path = os.path.join(scratch, "spu.log")
    options.trace_log_path = os.path.join(scratch, "trace.log")
    options.enable_console_logger = False
    options.log_level = libspu.logging.LogLevel.ERROR
    return options


def _usage() -> tuple[float, int]:
    """CPU with that of the sort programs which the library starts; memory without."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in both), _peak()


def _peak() -> int:
    """VmHWM: what getrusage says includes the parent's memory at the fork."""
    with open("/proc/self/status") as f:
        for line in f:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
