#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Programs of /usr/bin doing a small real job, by the table in jobs/: each as a line of a shell inside, beside its native twin on the same tree.

    tests/e2e/test_jobs.py                     the parts, one enclave each
    tests/e2e/test_jobs.py --document FILE     also writes docs/programs.md from what was seen
"""
import os
import re
import shutil
import subprocess
import sys

from harness import Group, Instance, Skip, expect, expect_status

group = Group()
PARTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'jobs')
SHELL = 'dash env cat echo ls cp mv rm mkdir touch chmod head tail wc sort tr cut seq printf grep sed cmp dirname basename uname test true expr md5sum od ln sleep date dd truncate gunzip'.split()
# Names by which programs call themselves.
OTHERS = {'git': ['git-receive-pack', 'git-upload-pack'], 'bzip2': ['bunzip2']}
PERL = ['/usr/share/perl', '/usr/lib/x86_64-linux-gnu/perl', '/usr/lib/x86_64-linux-gnu/perl-base', '/usr/share/perl5']
# Folders that programs bring besides their libraries.
FOLDERS = {'git': ['/usr/share/git-core', '/usr/lib/git-core/git-sh-setup'], 'perl': [*PERL],
           'file': ['/usr/lib/file', '/usr/share/misc/magic.mgc'], 'tclsh': ['/usr/share/tcltk'],
           'iconv': ['/usr/lib/x86_64-linux-gnu/gconv'], 'openssl': ['/usr/lib/ssl'], 'vim': ['/usr/share/vim']}
for name in ('json_pp', 'pod2text', 'shasum'):
    FOLDERS[name] = PERL
RESULTS = []


def read_part(name):
    """[(program, line)] of a file of jobs: `program: line for a shell`; a # begins a comment."""
    with open(os.path.join(PARTS, name), encoding='utf-8') as file:
        lines = [line.rstrip('\n') for line in file if line.strip() and not line.startswith('#')]
    return [tuple(part.strip() for part in line.split(':', 1)) for line in lines]


def which(program):
    return shutil.which(program, path='/usr/bin:/bin:/usr/sbin:/sbin')


def script(jobs):
    """Every job in an empty folder; what it printed, and its status, under its name."""
    text = 'export PATH=/usr/bin:/usr/sbin:/bin HOME=/tmp LC_ALL=C TZ=UTC0\n'
    for number, (program, line) in enumerate(jobs):
        text += f'mkdir -p /tmp/{number}; cd /tmp/{number}; echo "## {number}"\n( {line} ) 2>&1 </dev/null; echo "= $?"\n'
    return text


def by_job(text):
    return {int(part.split('\n', 1)[0]): part.split('\n', 1)[1] for part in re.split(r'^## ', text, flags=re.M)[1:]}


def prepare(part, jobs):
    memory = {'resource_limits.user_space_size': '2GB', 'resource_limits.kernel_space_heap_size': '64MB', 'process.default_heap_size': '64MB'}
    instance = Instance('jobs-' + part, **(memory if os.environ.get('OCCLUM_E2E_PLATFORM', 'sim') == 'sim' else {}))
    packed = {}
    for program in SHELL + [program for program, _ in jobs]:
        packed[program] = f'{os.path.realpath(which(program))}=/usr/bin/{program}'
        for other in OTHERS.get(program, []):
            packed[other] = f'{os.path.realpath(which(program))}=/usr/bin/{other}'
        for folder in FOLDERS.get(program, []):
            if os.path.exists(folder):
                packed[folder] = folder
    instance.pack(*packed.values())
    os.makedirs(os.path.join(instance.image, 'bin'), exist_ok=True)
    shell = os.path.join(instance.image, 'bin/sh')
    if not os.path.lexists(shell):
        shutil.copy(os.path.realpath('/bin/dash'), shell)
    instance.add_text('/etc/numbers', ''.join(f'{n} {n * n % 97}\n' for n in range(500)))
    instance.add_text('/etc/fruit', 'pear 3\napple 10\nfig 2\napple 9\nquince 7\n')
    instance.add_text('/etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n')
    instance.add_text('/jobs.sh', script(jobs), 0o755)
    instance.build()
    return instance


def add(part):
    @group.case(f'{part}: each program does its job as on Linux')
    def _():
        jobs = [job for job in read_part(part) if which(job[0])]
        if not jobs:
            raise Skip('none of its programs is installed')
        instance = prepare(part, jobs)
        native, inside = instance.native('/usr/bin/dash', '/jobs.sh', timeout=240), instance.run('/usr/bin/dash', '/jobs.sh', timeout=600)
        expect_status(native, 0)
        want, got = by_job(native.text), by_job(inside.text)
        failed = [i for i in range(len(jobs)) if not want.get(i, '').endswith('= 0\n')]
        expect(not failed, 'jobs that fail natively are none: ' + '; '.join(f'{jobs[i][0]}: {want.get(i)!r}' for i in failed))
        wrong = [i for i in range(len(jobs)) if want.get(i) != got.get(i)]
        RESULTS.extend((program, line, i not in wrong) for i, (program, line) in enumerate(jobs))
        notes = [f'{jobs[i][0]}: {jobs[i][1]}\n  native: {want.get(i)!r}\n  inside: {got.get(i)!r}' for i in wrong]
        expect(not wrong, f'{len(wrong)} of {len(jobs)} jobs differ:\n' + '\n'.join(notes), inside)


for one in sorted(os.listdir(PARTS)):
    add(one)


def version(program):
    """Of the package that the program belongs to."""
    owner = ''
    for path in (which(program), os.path.realpath(which(program))):
        found = subprocess.run(['dpkg-query', '-S', path], capture_output=True, text=True).stdout or \
            subprocess.run(['dpkg-query', '-S', path.replace('/usr/bin/', '/bin/', 1)], capture_output=True, text=True).stdout
        owner = owner or found.split(':')[0]
    return subprocess.run(['dpkg-query', '-W', '-f', '${Package} ${Version}', owner], capture_output=True, text=True).stdout if owner else ''


def document(path):
    rows = [f'| {program} | {version(program)} | `{line.replace("|", chr(92) + "|")}` | {"as on Linux" if good else "**differs**"} |' for program, line, good in sorted(RESULTS)]
    programs = {program for program, _, _ in RESULTS}
    head = f'''# Programs

Made by `tests/e2e/test_jobs.py --document docs/programs.md`: {len(programs)} programs of Debian 12 with a small real job each, run by dash inside and natively on the same tree,
in simulation; what they printed and their statuses are compared. The coreutils (95 programs, `test_coreutils.py`), find, grep, sed, gzip and busybox (`test_tools.py`) and python3 (`test_python.py`) have
tests of their own in the same way, and `OCCLUM_SURVEY=0 tests/e2e/test_survey.py` asks every program of /usr/bin and /usr/sbin for its version (708 of 711 tell it).

| program | package | job | |
|---|---|---|---|
'''
    with open(path, 'w', encoding='utf-8') as file:
        file.write(head + '\n'.join(rows) + '\n')


if __name__ == '__main__':
    target = None
    if '--document' in sys.argv:
        at = sys.argv.index('--document')
        target = sys.argv[at + 1]
        del sys.argv[at:at + 2]
    try:
        group.main()
    finally:
        if target:
            document(target)
