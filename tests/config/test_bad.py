# SPDX-License-Identifier: BSD-3-Clause
"""Bad inputs (bad_cases.py): each is refused in both arithmetics with its message, and the message points to the right place."""
import sys

from bad_cases import CASES, raw
from common import GOOD, batch
import json

raw(b' ' * (4 << 20) + b' ', 'expected at most 4 MiB')
assert len(CASES) >= 60
good = batch(sys.argv[1], [json.dumps(GOOD).encode()])[0]
assert good[0] and good[1] and good[2] == [], good
failed = 0
for case, (plain, edmm, messages) in zip(CASES, batch(sys.argv[1], [case.text for case in CASES])):
    start = f'F:{case.place[0]}:{case.place[1]}: ' if case.place else 'F:'
    refused = plain is None or edmm is None
    if not refused or not any(case.message in m and m.startswith(start) for m in messages):
        print('FAIL', case.text[:300], '\n  want', start, case.message, '\n  got ', messages, file=sys.stderr)
        failed += 1
many, = batch(sys.argv[1], [b'{"resource_limits": {"user_space_size": 1}, "x": 2}'])
assert len(many[2]) == 9, many[2]  # all errors of one run: 1 value, 1 key, 3 + 1 + 3 missing
together, = batch(sys.argv[1], [json.dumps({**GOOD, 'resource_limits': {**GOOD['resource_limits'], 'user_space_max_size': '4KB'}, 'x': 1}).encode()])
assert len(together[2]) == 2, together[2]  # an unknown key does not hide that Init is over Max
print(f'{len(CASES)} bad inputs, {failed} failures')
sys.exit(failed > 0)
