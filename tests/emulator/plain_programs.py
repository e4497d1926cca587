#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""plain_programs.py SGX2EMU SIGNALS CRASHES: programs that do not know SGX behave under the emulator as without it. Output
and status (exit code or signal) are compared with a run without the emulator. TAP."""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import limits  # noqa: E402

EMULATOR, SIGNALS, CRASHES = sys.argv[1:4]
number = failures = 0


def point(good, name, *notes):
    global number, failures
    number += 1
    failures += not good
    for note in [] if good else notes:
        print("#", str(note).replace("\n", "\n#   ")[:1000])
    print(f"{'' if good else 'not '}ok {number} - {name}", flush=True)


def run(command, timeout=60):
    """(output, status) of a command in a session of its own; a hang ends it and shows as a status of its own."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               start_new_session=True)
    output, _, hangs = limits.communicate(process, None, limits.Deadline(timeout))
    return output, "timeout" if hangs else process.returncode


def same(name, *command):
    expected, got = run(command), run((EMULATOR, *command))
    point(expected == got and expected[1] != "timeout", name, f"expected {expected}", f"got {got}")


SHELL = {
    "exit status": "exit 37",
    "pipes and children": "for i in 1 2 3; do echo $i | cat | tr 1-3 a-c; done",
    "no such program": "/nonexistent; echo $?",
    "death of a child by SIGSEGV": 'sh -c "kill -SEGV \\$\\$"; echo $?',
    "death by SIGTERM": "kill -TERM $$",
    "death by SIGKILL": "kill -KILL $$",
    "an ignored SIGSEGV": 'trap "" SEGV; kill -SEGV $$; echo alive',
    "a trap of SIGILL": 'trap "echo trapped" ILL; kill -ILL $$; echo alive',
}
BASH = {
    "bash: subshells and wait": "x=$(echo 5 | while read -r v; do echo $((v * 2)); done); echo $x; wait; (exit 4) & wait $!; echo $?",
    "bash: a pipeline of six": "seq 1000 | grep 7 | sort -rn | head -50 | tac | md5sum; echo ${PIPESTATUS[*]}",
    "bash: process substitution": "diff <(seq 3) <(seq 4); echo $?",
    "bash: a closed pipe": "yes | head -2; echo ${PIPESTATUS[*]}",
    "bash: jobs stopped and continued": "exec 2>/dev/null; set -m; sleep 30 & kill -STOP %1; sleep 0.2; jobs > /dev/null; jobs | grep -c Stopped; kill -CONT %1; kill -KILL %1; wait; echo done",
    "bash: 100 processes": "for i in $(seq 100); do /bin/true; done; echo $?",
}
PYTHON = {
    "python3: threads and children": """
import subprocess, threading, hashlib, signal
def run(): subprocess.run(["true"], check=True)
threads = [threading.Thread(target=run) for _ in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
print(hashlib.sha256(b"x").hexdigest(), signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGSEGV}),
      signal.pthread_sigmask(signal.SIG_BLOCK, []))""",
    "python3: signals": """
import os, signal, time
seen = []
for number in (signal.SIGUSR1, signal.SIGALRM, signal.SIGILL, signal.SIGTRAP, signal.SIGSEGV):
    signal.signal(number, lambda n, frame: seen.append(n))
    os.kill(os.getpid(), number)
signal.setitimer(signal.ITIMER_REAL, 0.05); time.sleep(0.2)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2]); os.kill(os.getpid(), signal.SIGUSR2)
print(seen, signal.sigwait([signal.SIGUSR2]))""",
    "python3: children by each way": """
import subprocess, multiprocessing, os
def square(x): return x * x
print([subprocess.run(["sh", "-c", f"kill -{n} $$"]).returncode for n in (4, 5, 6, 7, 8, 9, 11, 15)])
print(subprocess.run("cat", input=b"through a pipe" * 10000, capture_output=True).stdout[-8:])
with multiprocessing.get_context("fork").Pool(3) as pool: print(pool.map(square, range(10)))
if os.fork() == 0: os.abort()
print(os.waitstatus_to_exitcode(os.wait()[1]))""",
    "python3: death by SIGSEGV": "import ctypes; print('before', flush=True); ctypes.string_at(1)",
    "python3: faulthandler": "import faulthandler, ctypes; faulthandler.enable(open('/dev/null', 'w')); ctypes.string_at(1)",
}


def redis(prefix, folder):
    """What redis-cli sees of a server, and how the server ends."""
    path = os.path.join(folder, "redis.sock")
    with socket.socket() as probe:  # a port that is free now
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    server = subprocess.Popen([*prefix, "redis-server", "--bind", "127.0.0.1", "--port", port, "--unixsocket", path,
                               "--dir", folder, "--save", "", "--io-threads", "2"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        limits.wait_for(lambda: os.path.exists(path) or server.poll() is not None, 20)
        answers = []
        for command in (["SET", "key", "value"], ["GET", "key"], ["INCRBY", "n", "40"], ["INCR", "n"], ["GET", "none"],
                        ["EVAL", "return redis.call('GET', KEYS[1])", "1", "key"], ["SAVE"]):
            answers.append(run(["redis-cli", "-h", "127.0.0.1", "-p", port, *command], 20))
        answers.append(run(["redis-cli", "-h", "127.0.0.1", "-p", port, "SHUTDOWN", "NOSAVE"], 20)[1])
        return answers, server.wait(20 * limits.scale() * limits.LARGEST_LOAD)
    except subprocess.TimeoutExpired:
        return "no end", None
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def main():
    for name, text in SHELL.items():
        same(name, "sh", "-c", text)
    for case in ("ud2", "ud2-handled", "segv-handled", "fpe-handled", "trap-handled", "blocked-cpuid", "ignored-cpuid",
                 "mask-read-back", "action-read-back", "threads", "system"):
        same(case, SIGNALS, case)
    for case in subprocess.run([CRASHES], stdout=subprocess.PIPE, check=True, text=True).stdout.split():
        same(case, CRASHES, case)
    for name, text in BASH.items():
        same(name, "bash", "-c", text)
    for name, text in PYTHON.items():
        same(name, "/usr/bin/python3", "-c", text)
    if shutil.which("redis-server") and shutil.which("redis-cli"):
        with tempfile.TemporaryDirectory() as plain, tempfile.TemporaryDirectory() as emulated:
            expected, got = redis([], plain), redis([EMULATOR], emulated)
        point(expected == got and expected[1] == 0 and expected[0][1] == (b"value\n", 0), "redis-server", f"expected {expected}", f"got {got}")
    else:
        point(False, "redis-server: the packages redis-server and redis-tools are lacking (tools/install-deps.sh test)")
    print(f"1..{number}")
    return failures != 0


sys.exit(main())
