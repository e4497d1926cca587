#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""processes.py SGX2EMU SGX-THREADS SGX-KEYS: whoever is killed, no process remains; signals sent to the emulator reach the
program; the fuses decide the keys. TAP."""
import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import limits  # noqa: E402

EMULATOR, THREADS, KEYS = sys.argv[1:4]
PR_SET_CHILD_SUBREAPER = 36
number = failures = 0


def point(good, name, *notes):
    global number, failures
    number += 1
    failures += not good
    for note in [] if good else notes:
        print("#", note)
    print(f"{'' if good else 'not '}ok {number} - {name}", flush=True)


def members(session):
    """{pid: (comm, state)} of the session's processes that have not ended."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8") as file:
                comm, rest = file.read().split("(", 1)[1].rsplit(") ", 1)
        except OSError:
            continue
        fields = rest.split()
        if int(fields[3]) == session and fields[0] not in "ZX":
            found[int(entry)] = (comm, fields[0])
    return found


def start(*command):
    """A program in a session of its own that has said `ready`."""
    process = subprocess.Popen((EMULATOR, *command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True)
    line = process.stdout.readline()
    if line != b"ready\n":
        point(False, f"{command} is ready", line)
    return process


def ends(process, name, status):
    """The emulator ends with the status and nothing of its session is left."""
    got = process.poll() if limits.wait_for(lambda: process.poll() is not None, 10, 0.02) else "no end"
    limits.wait_for(lambda: not members(process.pid), 5, 0.02)
    left = members(process.pid)
    point(got == status and not left, name, f"status {got}, left {left}")
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    process.stdout.close()
    process.wait()


def program(process, comm):
    """The first process of that name in the session."""
    return min(pid for pid, (name, _) in members(process.pid).items() if name == comm)


def kills():
    cases = ((signal.SIGKILL, "SIGKILL"), (signal.SIGTERM, "SIGTERM"), (signal.SIGSEGV, "SIGSEGV"), (signal.SIGABRT, "SIGABRT"))
    for number_, name in cases:
        process = start(THREADS, "wait")
        os.kill(program(process, "sgx-threads"), number_)
        ends(process, f"{name} to a program with 4 threads inside", -number_)
    process = start(THREADS, "wait")
    os.kill(process.pid, signal.SIGKILL)
    ends(process, "SIGKILL to the emulator, 4 threads inside", -signal.SIGKILL)
    process = start(THREADS, "wait-two")
    os.kill(process.pid, signal.SIGKILL)
    ends(process, "SIGKILL to the emulator, two processes with enclaves", -signal.SIGKILL)
    process = start(THREADS, "wait-two")
    for pid, (name, _) in members(process.pid).items():
        if name == "sgx-threads":
            os.kill(pid, signal.SIGKILL)
    ends(process, "SIGKILL to both processes", -signal.SIGKILL)
    text = 'i=0; while [ $i -lt 20 ]; do (while :; do /bin/true; done) & i=$((i + 1)); done; sleep 0.3; echo ready; wait'
    process = start("bash", "-c", text)
    os.kill(process.pid, signal.SIGKILL)
    ends(process, "SIGKILL to the emulator of 20 shells that fork", -signal.SIGKILL)
    for _ in range(5):
        process = start(THREADS, "churn")
        time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
        ends(process, "SIGKILL to the emulator while enclaves are built, entered and left", -signal.SIGKILL)
    process = start(THREADS, "churn")
    os.kill(program(process, "sgx-threads"), signal.SIGKILL)
    ends(process, "SIGKILL to a program that does so", -signal.SIGKILL)


def passed_on():
    for name in ("SIGTERM", "SIGHUP", "SIGINT", "SIGUSR1"):
        process = start("bash", "-c", f"trap 'echo got {name}; exit 21' {name[3:]}; echo ready; while :; do sleep 0.05; done")
        os.kill(process.pid, getattr(signal, name))
        process.wait(10 * limits.scale() * limits.LARGEST_LOAD)
        output = process.stdout.read()
        point(process.returncode == 21 and output == f"got {name}\n".encode(), f"{name} to the emulator reaches the program",
              process.returncode, output)


def seal_key(*options):
    return subprocess.run((EMULATOR, *options, KEYS, "seal"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)


def fuses():
    first, second = seal_key(), seal_key()
    point(first.returncode == 0 and len(first.stdout) == 33 and first.stdout == second.stdout, "the sealing key is the same in the next run",
          first, second)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "fuses")
        with open(path, "wb") as file:
            file.write(bytes(range(32)))
        other, again = seal_key("--fuses", path), seal_key("--fuses", path)
        point(other.returncode == 0 and other.stdout == again.stdout and other.stdout != first.stdout, "other fuses give another key",
              other, again)
        with open(path, "ab") as file:
            file.write(b"x")
        for name, bad in (("a fuse file of another size", path), ("no such fuse file", path + "-none")):
            ret = seal_key("--fuses", bad)
            point(ret.returncode == 125 and not ret.stdout and b"--fuses " + bad.encode() in ret.stderr, f"{name} is refused", ret)


def side_by_side():
    runs = [subprocess.Popen((EMULATOR, KEYS, "seal"), stdout=subprocess.PIPE) for _ in range(4)]
    outputs = {run.communicate()[0] for run in runs}
    point(len(outputs) == 1 and all(run.returncode == 0 for run in runs), "four emulators at once do not disturb each other", outputs)


if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
    sys.exit("prctl")
kills()
passed_on()
fuses()
side_by_side()
print(f"1..{number}")
sys.exit(failures != 0)
