#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Time limits of the tests: for hangs only. usage: limits.py prints the factor of this machine.

A limit is given in seconds of an idle, ordinary machine. It is multiplied by what a page fault, a system call and a loop
cost here compared with there (measured once; OCCLUM_TEST_SCALE hands the result to children and overrides it), and, at
the moment it would be over, by how many threads want each processor.
"""
import mmap
import os
import signal
import subprocess
import time

# Microseconds on an ordinary machine: Linux on one core of a server of 2020, seen from Python.
REFERENCE = {'fault': 1.0, 'call': 0.25, 'loop': 600.0}
LARGEST = 20        # a machine that is slower than that is not one to test on
LARGEST_LOAD = 8
_scale = None
# Signals that whoever started the tests ignores (nohup, `&` of a script) would be ignored by every program under test,
# inside and outside: no key of a terminal would reach it, and nothing would hang up.
for _signal in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTSTP):
    if signal.getsignal(_signal) == signal.SIG_IGN:
        signal.signal(_signal, signal.SIG_DFL)


def _each(function, count):
    begin = time.perf_counter()
    function()
    return (time.perf_counter() - begin) / count * 1e6


def _faults():
    size = 2 << 20
    with mmap.mmap(-1, size) as memory:
        memory.madvise(mmap.MADV_NOHUGEPAGE)

        def touch():
            for at in range(0, size, mmap.PAGESIZE):
                memory[at] = 1
        return _each(touch, size // mmap.PAGESIZE)


def _calls():
    def call():
        for _ in range(2000):
            os.getppid()
    return _each(call, 2000)


def _loop():
    def loop():
        total = 0
        for i in range(20000):
            total += i
    return _each(loop, 1)


def measure():
    """Microseconds of each. The least of a few: somebody else's turn is not what is measured."""
    return {name: min(function() for _ in range(5)) for name, function in (('fault', _faults), ('call', _calls), ('loop', _loop))}


def scale_of(cost):
    """The factor that such costs make: the dearest decides, and no machine is too fast."""
    return min(LARGEST, max([1.0] + [cost[name] / REFERENCE[name] for name in REFERENCE]))


def scale():
    """The factor of this machine."""
    global _scale
    if _scale is None:
        given = os.environ.get('OCCLUM_TEST_SCALE')
        _scale = float(given) if given else scale_of(measure())
        os.environ['OCCLUM_TEST_SCALE'] = f'{_scale:.2f}'
    return _scale


def load():
    """How many threads want each processor that this process may use, 1 at least."""
    try:
        wanted = os.getloadavg()[0]
    except OSError:
        return 1.0
    return min(LARGEST_LOAD, max(1.0, wanted / len(os.sched_getaffinity(0))))


class Deadline:
    """`seconds` of an idle, ordinary machine from now on."""

    def __init__(self, seconds):
        self.begin = time.monotonic()
        self.seconds = seconds * scale()

    def left(self):
        """Seconds to wait before asking again; 0 or less when the time is over, by the load of that moment."""
        return self.begin + self.seconds * load() - time.monotonic()


def wait_for(condition, seconds, pause=0.05):
    """Asks until the condition is true (its value is returned) or the time is over (False)."""
    deadline = Deadline(seconds)
    while True:
        value = condition()
        if value or deadline.left() <= 0:
            return value
        time.sleep(pause)


def kill_group(process):
    """Ends a process that began a session of its own, with all that is in it."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def communicate(process, data, deadline):
    """Of a process in a session of its own: (stdout, stderr, whether the time was over, in which case all of it was killed)."""
    while True:
        try:
            return *process.communicate(data, max(deadline.left(), 0.1)), False
        except subprocess.TimeoutExpired:
            data = None
            if deadline.left() <= 0:
                kill_group(process)
                return *process.communicate(), True


if __name__ == '__main__':
    print(f'{scale():.2f}')
