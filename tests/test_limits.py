#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The time limits themselves (limits.py): a hang ends with all its children, a slow machine gets more time. TAP."""
import os
import subprocess
import time

import limits

number = failures = 0


def point(good, name, *notes):
    global number, failures
    number += 1
    failures += not good
    print(f'{"" if good else "not "}ok {number} - {name}', *([] if good else ['#', *notes]))


def hang(seconds):
    """A shell whose child holds its output: how it ended, and whether both are gone."""
    process = subprocess.Popen(['sh', '-c', 'echo $$; sleep 1000 & wait'], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    out, _, over = limits.communicate(process, None, limits.Deadline(seconds))
    return over, process.returncode, limits.wait_for(lambda: not members(int(out)), 5)


def members(session):
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/stat', encoding='utf-8') as file:
                state, _, _, its = file.read().rpartition(')')[2].split()[:4]
            if int(its) == session and state != 'Z':
                found.append(pid)
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


cost = limits.measure()
print('1..7')
point(all(value > 0 for value in cost.values()), 'this machine is measured', cost)
print('#', {name: round(value, 2) for name, value in cost.items()}, 'us; factor', round(limits.scale_of(cost), 2))
point(limits.scale_of(limits.REFERENCE) == 1 and limits.scale_of({name: value / 9 for name, value in limits.REFERENCE.items()}) == 1,
      'an ordinary machine, and a faster one: 1')
point(limits.scale_of({**limits.REFERENCE, 'fault': 10}) == 10, 'the dearest decides')
point(limits.scale_of({**limits.REFERENCE, 'call': 1e6}) == limits.LARGEST, 'there is an end')
limits._scale = 1.0
limits.load = lambda: 1.0
seen = hang(0.3)
point(seen == (True, -9, True), 'what hangs is ended, with its children', seen)
quick = subprocess.Popen(['echo', 'x'], stdout=subprocess.PIPE, start_new_session=True)
seen = limits.communicate(quick, None, limits.Deadline(30))
point(seen[0] == b'x\n' and not seen[2], 'what ends by itself is not', seen)
limits.load = lambda: 4.0
begin = time.monotonic()
over = hang(0.3)[0]
point(over and time.monotonic() - begin >= 1.2, 'four threads for each processor: four times as long', time.monotonic() - begin)
raise SystemExit(failures != 0)
