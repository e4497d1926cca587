#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Programs of this machine as Debian ships them, brought in by copy_bom: `--version` says inside what it says outside.
OCCLUM_SURVEY: how many of them (0: all); OCCLUM_SURVEY_SEED: others."""
import json
import os
import random
import subprocess

from harness import BUILD, Group, Instance, expect, expect_status, run_command

group = Group()
COPY_BOM = os.path.join(BUILD, 'bin', 'copy_bom')
FOLDERS = ('/usr/bin', '/usr/sbin')
LARGEST = 20 << 20
COUNT = int(os.environ.get('OCCLUM_SURVEY', '40'))
# What is known not to be there yet, and the programs that need it even to tell their version.
LACKING = {'sockets': {'pkcon', 'plipconfig'}, 'fork': {'x86_64-linux-gnu-fpc-3.2.2'}}
KNOWN = set().union(*LACKING.values())


def programs():
    for folder in FOLDERS:
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name)
            if os.path.islink(path) or not os.path.isfile(path) or not os.access(path, os.R_OK) or os.path.getsize(path) > LARGEST or name in KNOWN:
                continue
            with open(path, 'rb') as file:
                if file.read(4) == b'\x7fELF':
                    yield path


def chosen():
    every = list(programs())
    return every if not COUNT or COUNT >= len(every) else sorted(random.Random(os.environ.get('OCCLUM_SURVEY_SEED', '1')).sample(every, COUNT))


def setup():
    instance = Instance('survey', **{'entry_points': list(FOLDERS)})
    bom = os.path.join(instance.folder, 'bom.yaml')
    with open(bom, 'w', encoding='utf-8') as file:
        file.write('includes: [base.yaml]\ntargets:\n')
        for folder in FOLDERS:
            names = [path for path in chosen() if os.path.dirname(path) == folder]
            if names:
                file.write(f'- target: {folder}\n  copy:\n  - files: {json.dumps(names)}\n')
    expect_status(run_command([COPY_BOM, '-f', bom, '--root', instance.image]), 0)
    instance.build()
    return instance


def outside(path, root):
    """(status, output) with the same small environment; None where it cannot be had (chroot needs root)."""
    command = ['/usr/sbin/chroot', root, path, '--version'] if root else [path, '--version']
    try:
        result = run_command(command, env={'OCCLUM': 'yes'}, cwd='/', stdin=subprocess.DEVNULL)
    except OSError:
        return None
    return None if result.timed_out else (result.status, result.out)


def add(path):
    def case(instance):
        result = instance.run(path, '--version')
        seen = (result.status, result.out)
        # Some look at /proc, others at files that only the machine has: like one of the two.
        wanted = [outside(path, None), outside(path, instance.image)]
        expect(seen in wanted or not any(wanted), f'outside: {wanted}', result)
    group.add(path, case)


for program in chosen():
    add(program)


if __name__ == '__main__':
    group.main(setup)
