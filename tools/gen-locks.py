#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Makes docs/locks.md from the table of src/trusted/lock_class.h.

usage: gen-locks.py HEADER OUTPUT
"""
import re
import sys

KINDS = {'LOCK_SLEEPS': 'mutex', 'LOCK_SPINS': 'spinlock', 'LOCK_PAIRS': 'several at once by address', 'LOCK_NESTS': 'several at once, nested',
         'LOCK_USER': 'the program\'s memory may be touched'}


def kind(text):
    flags = re.findall(r'LOCK_\w+', text)
    if 'LOCK_SPINS' not in flags and 'LOCK_SLEEPS' not in flags:
        flags.insert(0, 'LOCK_SLEEPS')
    return ', '.join(KINDS[flag] for flag in flags)


def main():
    header, output = sys.argv[1:]
    with open(header, encoding='utf-8') as file:
        rows = re.findall(r'X\((\w+), ([\w |]+), "([^"]+)"\)', file.read())
    rows = [row for row in rows if not row[0].startswith('TEST_')]
    if not rows:
        sys.exit('gen-locks: no table in ' + header)
    with open(output, 'w', encoding='utf-8') as file:
        file.write('# The order of locks\n\nMade by tools/gen-locks.py from src/trusted/lock_class.h. Do not edit.\n\n'
                   'Who holds a lock takes only locks of classes further down. Under a spinlock nothing sleeps and nothing leaves the enclave: no host call, no\n'
                   'reading of the clock, no allocation. The program\'s memory is touched only under the locks that say so, for a fault there takes `MM` and may last.\n'
                   'Builds with `LOCK_DEBUG` (`meson setup -Dlock_debug=true`, the kernel bench, the tests of `libos/sync`) check it as they run.\n\n'
                   '| | class | kind | guards |\n|---|---|---|---|\n')
        for number, (name, flags, what) in enumerate(rows):
            file.write(f'| {number + 1} | `{name}` | {kind(flags)} | {what} |\n')


if __name__ == '__main__':
    main()
