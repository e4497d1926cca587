#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The command line: help, suggestions, refusals, building again, interrupted and hindered builds."""
import fcntl
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import time

from harness import (BUILD, BUILD_TIMEOUT, OCCLUM, PLATFORM, PROJECT, RUN_TIMEOUT, Group, Instance, Skip, clean_environment, communicate, compile_program, expect, expect_contains,
                     expect_output, expect_status, kill_group, limits, occlum, run_command, scratch)

group = Group()
VERBS = ['new', 'init', 'build', 'run', 'status', 'print', 'config']


def setup():
    instance = Instance('cli')
    instance.compile('hello', 'exit_with')
    instance.add_text('/bin/not_executable', 'text\n')
    instance.add_text('/bin/not_a_program', 'nonsense\n', 0o755)
    instance.pack(compile_program('hello') + '=/secret/hello')
    instance.build()
    return instance


def tree_digest(folder):
    """One value for all names and contents below a folder."""
    digest = hashlib.sha256()
    for path, folders, names in os.walk(folder):
        folders.sort()
        # Without .state the next build does everything again; it is no part of what was built.
        for name in sorted(set(names) - {'.state'}):
            full = os.path.join(path, name)
            digest.update(os.path.relpath(full, folder).encode() + b'\0')
            if os.path.isfile(full):
                with open(full, 'rb') as file:
                    digest.update(hashlib.sha256(file.read()).digest())
    return digest.hexdigest()


@group.case('occlum --help names every verb')
def _(instance):
    result = occlum('--help')
    expect_status(result, 0)
    expect_contains(result, *VERBS)


@group.case('occlum alone: usage on stderr, status 2')
def _(instance):
    result = occlum()
    expect_status(result, 2)
    expect('usage' in result.errors and not result.text, 'no usage on stderr', result)


@group.case('every verb has --help')
def _(instance):
    for verb in VERBS:
        result = occlum(verb, '--help')
        expect_status(result, 0)
        expect_contains(result, f'usage: occlum {verb}')


@group.case('a wrong verb says the nearest')
def _(instance):
    for wrong, right in (('biuld', 'build'), ('rn', 'run'), ('statsu', 'status'), ('pritn', 'print')):
        result = occlum(wrong)
        expect_status(result, 2)
        expect(right in result.errors, f'{right} is not suggested', result)


@group.case('a wrong option says the nearest')
def _(instance):
    result = occlum('build', '--sgx-mod', 'SIM', cwd=instance.folder)
    expect_status(result, 2)
    expect('--sgx-mode' in result.errors, 'no suggestion', result)


@group.case('new refuses an existing path')
def _(instance):
    before = tree_digest(instance.folder)
    result = occlum('new', instance.folder)
    expect(result.status == 1 and result.errors, 'not refused', result)
    expect(tree_digest(instance.folder) == before, 'something changed')


@group.case('new needs a path; a path whose parent is missing is an error')
def _(instance):
    expect_status(occlum('new'), 2)
    expect_status(occlum('new', '/nowhere/at/all'), 1)


@group.case('init in a folder; a second init refuses and changes nothing')
def _(instance):
    folder = os.path.join(scratch(), 'init')
    os.mkdir(folder)
    expect_status(occlum('init', cwd=folder), 0)
    expect(os.path.isfile(os.path.join(folder, 'Occlum.json')) and os.path.isdir(os.path.join(folder, 'image')), 'no instance')
    before = tree_digest(folder)
    expect_status(occlum('init', cwd=folder), 1)
    expect(tree_digest(folder) == before, 'something changed')


@group.case('build, run and status outside an instance')
def _(instance):
    folder = os.path.join(scratch(), 'empty')
    os.mkdir(folder)
    for arguments in (['build'], ['run', '/bin/hello'], ['status'], ['print', 'mrenclave']):
        result = occlum(*arguments, cwd=folder)
        expect(result.status == 1 and result.errors, f'{arguments}: not refused', result)
    expect(os.listdir(folder) == [], 'files were left')


@group.case('run and print before build')
def _(instance):
    folder = os.path.join(scratch(), 'unbuilt')
    expect_status(occlum('new', folder), 0)
    result = occlum('run', '/bin/hello', cwd=folder)
    expect(result.status == 1 and 'build' in result.errors, 'not refused', result)
    result = occlum('print', 'mrenclave', cwd=folder)
    expect(result.status == 1 and result.errors, 'not refused', result)
    result = occlum('status', cwd=folder)
    expect('not built' in result.text, 'it does not say so', result)


@group.case('run: a missing program is 127')
def _(instance):
    result = instance.run('/bin/missing')
    expect_status(result, 127)
    expect('/bin/missing' in result.errors, 'the message does not name it', result)


@group.case('run: what entry_points does not allow is 126')
def _(instance):
    result = instance.run('/secret/hello')
    expect_status(result, 126)
    expect('entry_points' in result.errors or 'not permitted' in result.errors.lower(), 'the message does not say why', result)
    result = instance.run('/bin/../secret/hello')
    expect(result.status in (126, 127), 'a way around by ..', result)


@group.case('run: not executable is 126')
def _(instance):
    for name in ('not_executable', 'not_a_program'):
        expect_status(instance.run(f'/bin/{name}'), 126)


@group.case('run: a relative path is refused with the reason')
def _(instance):
    result = instance.run('hello')
    expect(result.status in (2, 127) and 'absolute' in result.errors, 'not refused', result)


@group.case('run without a program is 2')
def _(instance):
    expect_status(occlum('run', cwd=instance.folder), 2)


@group.case('run: options behind the program are the program\'s')
def _(instance):
    expect_status(instance.run('/bin/exit_with', '--help'), 0)


@group.case('print mrenclave and mrsigner: 64 hexadecimal digits')
def _(instance):
    for what in ('mrenclave', 'mrsigner'):
        result = occlum('print', what, cwd=instance.folder)
        expect(result.status == 0 and re.search(r'\b[0-9a-f]{64}\b', result.text), what, result)


@group.case('status says mode, EDMM, built')
def _(instance):
    result = occlum('status', cwd=instance.folder)
    expect_status(result, 0)
    for word in ('sim' if PLATFORM == 'sim' else 'sgx', 'edmm', 'built'):
        expect(word in result.text.lower(), f'no {word}', result)


@group.case('an unknown log level says what there is')
def _(instance):
    result = instance.run('/bin/hello', env={'OCCLUM_LOG_LEVEL': 'debgu'})
    expect_output(result, 'Hello, world!\n')
    expect('debug' in result.errors, 'no suggestion', result)


@group.case('fsck.erofs finds the image whole')
def _(instance):
    expect_status(run_command(['fsck.erofs', os.path.join(instance.folder, 'build/image.erofs')]), 0)


@group.case('the log is silent by default')
def _(instance):
    result = instance.run('/bin/hello')
    expect(result.err == b'', 'stderr is not empty', result)


@group.case('building again without a change writes nothing')
def _(instance):
    def times():
        return {name: os.stat(os.path.join(path, name)).st_mtime_ns for path, _, names in os.walk(instance.folder + '/build') for name in names}
    before = times()
    instance.build()
    expect(times() == before, 'files were written')


@group.case('build -f gives the same bytes and the same MRENCLAVE')
def _(instance):
    identity = occlum('print', 'mrenclave', cwd=instance.folder).text
    image = os.path.join(instance.folder, 'build/image.erofs')
    with open(image, 'rb') as file:
        before = hashlib.sha256(file.read()).hexdigest()
    instance.build('-f')
    with open(image, 'rb') as file:
        expect(hashlib.sha256(file.read()).hexdigest() == before, 'the image differs')
    expect(occlum('print', 'mrenclave', cwd=instance.folder).text == identity, 'the identity differs')


@group.case('two instances with the same contents: the same MRENCLAVE')
def _(instance):
    copy = os.path.join(scratch(), 'cli-copy')
    shutil.copytree(instance.folder, copy, symlinks=True)
    shutil.rmtree(os.path.join(copy, 'build'))
    result = occlum('build', cwd=copy, timeout=300)
    expect_status(result, 0)
    first, second = (occlum('print', 'mrenclave', cwd=folder).text for folder in (instance.folder, copy))
    expect(first == second, f'{first!r} and {second!r}')
    expect_output(occlum('run', '/bin/hello', cwd=copy), 'Hello, world!\n')


@group.case('a changed file of the image changes MRENCLAVE, and its undoing brings it back')
def _(instance):
    first = occlum('print', 'mrenclave', cwd=instance.folder).text
    instance.add_text('/etc/new', 'x')
    instance.build()
    second = occlum('print', 'mrenclave', cwd=instance.folder).text
    os.unlink(os.path.join(instance.image, 'etc/new'))
    instance.build()
    third = occlum('print', 'mrenclave', cwd=instance.folder).text
    expect(first != second and first == third, f'{first} {second} {third}')


@group.case('build leaves run/ and what programs wrote alone')
def _(instance):
    kept = os.path.join(instance.folder, 'run', 'kept')
    os.makedirs(os.path.dirname(kept), exist_ok=True)
    with open(kept, 'w', encoding='utf-8') as file:
        file.write('precious')
    instance.build('-f')
    with open(kept, encoding='utf-8') as file:
        expect(file.read() == 'precious', 'it changed')


BROKEN = [
    ('not JSON', lambda text: text[:len(text) // 2], None),
    ('empty', lambda text: '', None),
    ('an unknown key', lambda text: text.replace('{', '{"resource_limit": {}, ', 1), 'resource_limit'),
    ('an unknown key below', lambda text: change(text, 'process', 'defaultstack_size', '4MB'), 'defaultstack_size'),
    ('a size without unit', lambda text: change(text, 'resource_limits', 'user_space_size', '300'), 'user_space_size'),
    ('a negative number of threads', lambda text: change(text, 'resource_limits', 'max_num_of_threads', -1), 'max_num_of_threads'),
    ('a number for a size', lambda text: change(text, 'resource_limits', 'user_space_size', 300), 'user_space_size'),
    ('a lacking part', lambda text: remove(text, 'resource_limits'), 'resource_limits'),
    ('a relative entry point', lambda text: change(text, None, 'entry_points', ['bin']), 'entry_points'),
    ('entry points of the wrong kind', lambda text: change(text, None, 'entry_points', '/bin'), 'entry_points'),
]


def change(text, part, key, value):
    config = json.loads(text)
    (config[part] if part else config)[key] = value
    return json.dumps(config)


def remove(text, key):
    config = json.loads(text)
    del config[key]
    return json.dumps(config)


def broken_config(name, breaking, named):
    def case(instance):
        with open(instance.config_path, encoding='utf-8') as file:
            text = file.read()
        before = tree_digest(instance.folder + '/build')
        try:
            with open(instance.config_path, 'w', encoding='utf-8') as file:
                file.write(breaking(text))
            result = occlum('build', cwd=instance.folder)
        finally:
            with open(instance.config_path, 'w', encoding='utf-8') as file:
                file.write(text)
        expect(result.status == 1 and result.errors.strip(), 'not refused', result)
        expect('Occlum.json' in result.errors and (not named or named in result.errors), f'the message does not name {named}', result)
        expect(tree_digest(instance.folder + '/build') == before, 'the old build was touched')
        expect_output(instance.run('/bin/hello'), 'Hello, world!\n')
    group.add(f'broken Occlum.json: {name}', case)


for item in BROKEN:
    broken_config(*item)


@group.case('no Occlum.json')
def _(instance):
    away = instance.config_path + '.away'
    os.rename(instance.config_path, away)
    try:
        result = occlum('build', cwd=instance.folder)
    finally:
        os.rename(away, instance.config_path)
    expect(result.status == 1 and 'Occlum.json' in result.errors, 'not refused', result)


@group.case('no image/ folder: refused, the old build stays')
def _(instance):
    os.rename(instance.image, instance.image + '.away')
    before = tree_digest(instance.folder + '/build')
    try:
        result = occlum('build', cwd=instance.folder)
    finally:
        os.rename(instance.image + '.away', instance.image)
    expect(result.status == 1 and 'image' in result.errors, 'not refused', result)
    expect(tree_digest(instance.folder + '/build') == before, 'the old build was touched')


@group.case('the image file is gone at run: refused')
def _(instance):
    path = os.path.join(instance.folder, 'build/image.erofs')
    os.rename(path, path + '.away')
    try:
        result = instance.run('/bin/hello')
    finally:
        os.rename(path + '.away', path)
    expect(result.status in (1, 125) and result.errors.strip(), 'not refused', result)


@group.case('an unknown SGX mode is refused with what there is')
def _(instance):
    result = occlum('build', '--sgx-mode', 'SIMM', cwd=instance.folder)
    expect(result.status in (1, 2) and 'SIM' in result.errors, 'not refused', result)


@group.case('a sign key that is none is refused')
def _(instance):
    before = tree_digest(instance.folder + '/build')
    for key in ('/nowhere/key.pem', instance.config_path):
        result = occlum('build', '--sign-key', key, cwd=instance.folder)
        expect(result.status == 1 and result.errors.strip(), 'not refused', result)
    expect(tree_digest(instance.folder + '/build') == before, 'the old build was touched')


@group.case('a key of its own changes MRSIGNER, not MRENCLAVE')
def _(instance):
    key = os.path.join(scratch(), 'key.pem')
    if run_command(['openssl', 'genrsa', '-3', '-out', key, '3072']).status != 0:
        raise Skip('no openssl command on this machine')
    names = ('mrenclave', 'mrsigner')
    before = [occlum('print', name, cwd=instance.folder).text for name in names]
    instance.build('--sign-key', key)
    after = [occlum('print', name, cwd=instance.folder).text for name in names]
    expect(before[0] == after[0] and before[1] != after[1], f'{before} {after}')
    expect_output(instance.run('/bin/hello'), 'Hello, world!\n')
    instance.build('-f')


@group.case('builds killed by SIGKILL at 25 moments: the next build and run are right')
def _(instance):
    begin = time.monotonic()
    instance.build('-f')
    whole = time.monotonic() - begin
    identity = occlum('print', 'mrenclave', cwd=instance.folder).text
    generator = random.Random(5)
    for number in range(25):
        process = subprocess.Popen([OCCLUM, 'build', '-f'], cwd=instance.folder, env=clean_environment(), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        time.sleep(generator.random() * whole)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        result = instance.run('/bin/hello')
        expect(result.text == 'Hello, world!\n' and result.status == 0 or result.status in (1, 125) and result.errors.strip(),
               f'after kill {number}: neither the old build nor a clear refusal', result)
        instance.build()
        expect_output(instance.run('/bin/hello'), 'Hello, world!\n')
    expect(occlum('print', 'mrenclave', cwd=instance.folder).text == identity, 'the identity changed')
    left = [name for path, _, names in os.walk(instance.folder) for name in names if '.tmp' in name or name.endswith('~')]
    expect(len(left) < 3, f'left over: {left}')


def waits_for_lock(pid):
    """Does the process wait for a lock of flock(2)? /proc/locks marks those who wait by an arrow."""
    with open('/proc/locks', encoding='utf-8') as file:
        return any(line.split()[1:3] == ['->', 'FLOCK'] and line.split()[5] == str(pid) for line in file)


@group.case('a run that waited to finish an interrupted build does not publish what the next build has half made')
def _(instance):
    instance.build()
    publish, enclave = instance.folder + '/build/.publish', instance.folder + '/build/lib/libocclum-libos.signed.so'
    before = tree_digest(instance.folder + '/build')
    with open(publish, 'w', encoding='utf-8') as mark:
        mark.write('1')
        mark.flush()
        fcntl.flock(mark, fcntl.LOCK_SH) # the run sees the mark, then waits for the lock that finishing needs
        process = subprocess.Popen([OCCLUM, 'run', '/bin/hello'], cwd=instance.folder, env=clean_environment(), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        try:
            expect(limits.wait_for(lambda: waits_for_lock(process.pid), 30), 'the run does not wait for the lock')
            mark.truncate(0) # somebody else has finished it, and begun to build anew
            with open(enclave + '.new', 'w', encoding='utf-8') as half:
                half.write('half')
            fcntl.flock(mark, fcntl.LOCK_UN)
            out, err, hangs = communicate(process, None, limits.Deadline(RUN_TIMEOUT))
        finally:
            kill_group(process)
            process.wait()
            if os.path.exists(enclave + '.new'):
                os.unlink(enclave + '.new')
    expect(not hangs and out == b'Hello, world!\n', f'the run: {out} {err}')
    expect(tree_digest(instance.folder + '/build') == before, 'the half made file was published')


@group.case('nothing is written through links that lie in wait under the names of temporary files')
def _(instance):
    victim = os.path.join(scratch(), 'victim')
    with open(victim, 'w', encoding='utf-8') as file:
        file.write('precious')
    folder = os.path.join(scratch(), 'traps')
    shutil.copytree(instance.folder, folder, symlinks=True)
    os.unlink(folder + '/Occlum.json')
    traps = ['Occlum.json.tmp', '.__occlum_status.tmp', 'image/etc/shells.tmp', 'build/.state.new.tmp', 'build/Enclave.xml.new.tmp',
             'build/image.erofs.new.tmp', 'build/image.erofs.new.tmp.log']
    os.unlink(folder + '/image/etc/shells')

    def lay():
        for trap in traps:
            if not os.path.lexists(os.path.join(folder, trap)):
                os.symlink(victim, os.path.join(folder, trap))
    lay()
    expect_status(occlum('init', cwd=folder), 0)
    lay()
    os.unlink(folder + '/image/etc/shells.tmp') # as part of the image it would be packed
    expect_status(occlum('build', '-f', cwd=folder, timeout=BUILD_TIMEOUT), 0)
    with open(victim, encoding='utf-8') as file:
        expect(file.read() == 'precious', 'the file behind a link was overwritten')


@group.case('an unwritable folder: refused, nothing lost')
def _(instance):
    if os.geteuid() != 0:
        raise Skip('needs root to become another user')
    os.chmod(scratch(), 0o755)

    def become_nobody():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)

    if run_command([OCCLUM, '--version'], preexec=become_nobody).status != 0:
        raise Skip('another user cannot reach the build folder')
    before = tree_digest(instance.folder)
    for arguments in (['build', '-f'], ['init'], ['new', os.path.join(scratch(), 'other')]):
        result = occlum(*arguments, cwd=instance.folder, preexec=become_nobody)
        expect(result.status == 1 and result.errors.strip(), f'{arguments}: not refused', result)
    expect(tree_digest(instance.folder) == before, 'something changed')


@group.case('a full disk: refused, the old build still runs')
def _(instance):
    if os.geteuid() != 0 or run_command(['unshare', '-m', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status != 0:
        raise Skip('needs root and leave to mount')
    size = int(run_command(['du', '-sk', instance.folder]).text.split()[0])
    script = f'''
        mount -t tmpfs -o size={size + 16384}k none /mnt && cp -a "{instance.folder}" /mnt/instance && cd /mnt/instance || exit 99
        dd if=/dev/urandom of=image/opt/big bs=4k count=600 status=none || exit 98
        dd if=/dev/zero of=fill bs=4k count=999999 status=none 2>/dev/null
        "{OCCLUM}" build; echo "build: $?"
        "{OCCLUM}" run /bin/hello; echo "run: $?"
        rm fill
        "{OCCLUM}" build >/dev/null; echo "build: $?"
        "{OCCLUM}" run /bin/hello; echo "run: $?"
    '''
    result = run_command(['unshare', '-m', 'bash', '-c', script], env=clean_environment(), timeout=300)
    expect(result.status == 0, 'the script failed', result)
    lines = result.text.splitlines()
    expect('build: 1' in lines and result.errors.strip(), 'the full disk was not refused', result)
    expect(lines[-2:] != [] and lines.count('Hello, world!') == 2 and lines.count('run: 0') == 2 and 'build: 0' in lines,
           'the old build did not run, or the new one did not come', result)


@group.case('installed under a prefix it works as well')
def _(instance):
    target = os.path.join(scratch(), 'installed')
    expect_status(run_command(['meson', 'install', '-C', BUILD, '--no-rebuild', '--destdir', target], timeout=200, env=dict(os.environ)), 0)
    found = [os.path.join(path, 'occlum') for path, _, names in os.walk(target) if 'occlum' in names and path.endswith('/bin')]
    expect(found, 'no occlum was installed')
    folder = os.path.join(scratch(), 'of-installed')
    env = clean_environment()
    expect_status(run_command([found[0], 'new', folder], env=env, cwd=scratch()), 0)
    shutil.copytree(instance.image, folder + '/image', symlinks=True, dirs_exist_ok=True)
    result = run_command([found[0], 'build'], env=env, cwd=folder, timeout=300)
    expect_status(result, 0)
    expect_output(run_command([found[0], 'run', '/bin/hello'], env=env, cwd=folder), 'Hello, world!\n')


@group.case('4 runs of one instance at the same time')
def _(instance):
    processes = [subprocess.Popen([OCCLUM, 'run', '/bin/hello'], cwd=instance.folder, env=clean_environment(), stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) for _ in range(4)]
    try:
        seen = [communicate(process, None, limits.Deadline(RUN_TIMEOUT)) for process in processes]
    finally:
        for process in processes:
            kill_group(process)
            process.wait()
    expect([out for out, *_ in seen] == [b'Hello, world!\n'] * 4, f'saw {seen}')


@group.case('the man pages know every verb and option that the help texts know')
def _(instance):
    for page, programs in (('occlum.1', [[OCCLUM]] + [[OCCLUM, verb] for verb in ('new', 'init', 'build', 'run', 'config', 'status', 'print')]),
                           ('sgx2emu.1', [[os.path.join(os.path.dirname(OCCLUM), 'sgx2emu')]])):
        with open(os.path.join(PROJECT, 'docs', page), encoding='utf-8') as file:
            manual = file.read().replace('\\-', '-')
        for program in programs:
            text = run_command([*program, '--help']).text
            words = re.findall(r'--[a-z0-9-]+', text) + re.findall(r'\bOCCLUM_[A-Z_0-9]+', text)
            if program == [OCCLUM]:
                words += re.findall(r'^  (\w[\w-]+) ', text, re.M)
            missing = [word for word in words if word not in manual and word not in ('--help', '--version')]
            expect(text and not missing, f'{page} lacks {missing}')


if __name__ == '__main__':
    group.main(setup)
