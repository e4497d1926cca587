#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Shells as people use them: long scripts, many children. The outputs are the same inside as on Linux."""
import os

from harness import PROJECT, Group, Instance, expect, expect_output, run_command

group = Group()
SCRIPTS = os.path.join(PROJECT, 'tests', 'e2e', 'scripts')
TOOLS = ('awk basename cat cut date dd diff dirname env expr find grep head id ls md5sum mkdir mkfifo mv od paste printf rm sed seq sleep sort sh tail tee '
         'timeout touch tr true false mktemp rmdir wc xargs yes').split()


def setup():
    instance = Instance('shells')
    instance.pack('/bin/bash', '/bin/dash', '/bin/busybox', *(f'/usr/bin/{name}' for name in TOOLS))
    for name in ('posix.sh', 'bash.sh'):
        with open(os.path.join(SCRIPTS, name), encoding='utf-8') as file:
            instance.add_text('/opt/' + name, file.read())
    for i in range(300):
        instance.add_text(f'/opt/files/{i % 17}/{i}', f'{i}\n' * i)
    instance.build()
    return instance


def same(name, *arguments):
    group.add(name, lambda instance: instance.same(*arguments))


same('a long script by bash', '/bin/bash', '/opt/posix.sh')
same('the same by dash', '/bin/dash', '/opt/posix.sh')
same('the same by busybox', '/bin/busybox', 'sh', '/opt/posix.sh')
same('find into xargs, four at once', '/bin/dash', '-c', 'find /opt/files -type f | xargs -P4 -n 7 md5sum | sort')


@group.case('what only bash has')
def _(instance):
    native = run_command(['/bin/bash', os.path.join(SCRIPTS, 'bash.sh')])  # the twin has no /proc for /dev/fd
    inside = instance.run('/bin/bash', '/opt/bash.sh')
    expect((inside.text, inside.status) == (native.text, native.status), 'the outputs differ (inside, native)', inside, native)


@group.case('200 programs, one after another')
def _(instance):
    expect_output(instance.run('/bin/bash', '-c', 'for i in $(seq 200); do /usr/bin/true || exit 1; done; echo done'), 'done\n')


if __name__ == '__main__':
    group.main(setup)
