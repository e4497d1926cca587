#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Plants faults into the kernel bench, one object each, and demands that each is caught. Prints TAP.

usage: tests/kernel/planted.py [FAULT...]

A fault is a word of plant.h that one source file is compiled with; the bench is linked again with that object and run. Caught means: a sanitizer's
report, the run-time check of locks, or the bench's own (a hang, an impossible answer). First the bench without a fault must have nothing to tell.
"""
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile

import run

# Name: source, words of plant.h, sanitizer, what must be told, program.
LOAD, WAKE = ['--threads', '4', '--seconds', '20', 'load'], ['--seconds', '4', 'wakeups']
RACE, MEMORY, HANG, LOCKS = 'ThreadSanitizer: ', 'AddressSanitizer: ', 'nothing moved', 'locks: '
FAULTS = {
    'descriptor table without its lock': ('fs/files.c', ['NO_SPINLOCK'], 'tsan', RACE, LOAD),
    'names of memfs without their lock': ('fs/memfs_dir.c', ['NO_MUTEX'], 'tsan', RACE, LOAD),
    'contents of memfs without their lock': ('fs/memfs_file.c', ['NO_MUTEX'], 'tsan', RACE, LOAD),
    'working folder without its lock': ('fs/path.c', ['NO_MUTEX'], 'tsan', RACE, LOAD),
    'file locks without their lock': ('fs/locks.c', ['NO_SPINLOCK', 'NO_MUTEX'], 'tsan', RACE, LOAD),
    'pipes without their lock': ('ipc/pipe.c', ['NO_SPINLOCK', 'NO_MUTEX'], 'tsan', RACE, WAKE),
    'epoll without its lock': ('ipc/epoll.c', ['NO_SPINLOCK', 'NO_MUTEX'], 'tsan', RACE, LOAD),
    'eventfd without its lock': ('ipc/eventfd.c', ['NO_SPINLOCK', 'NO_MUTEX'], 'tsan', RACE, WAKE),
    'futex without the lock of its bucket': ('process/futex.c', ['NO_SPINLOCK'], 'tsan', RACE, WAKE),
    'queues of signals without their lock': ('signal/queue.c', ['NO_SPINLOCK'], 'tsan', RACE, LOAD),
    'addresses handed out without a lock': ('mem/range.c', ['NO_SPINLOCK'], 'tsan', RACE, LOAD),
    'pages handed out without a lock': ('mem/filepages.c', ['NO_SPINLOCK'], 'tsan', RACE, LOAD),
    'areas changed without the lock': ('vm/map.c', ['NO_MUTEX'], 'asan', LOCKS, LOAD),
    'ends of processes without the lock of the tree': ('process/exit.c', ['NO_MUTEX'], 'tsan', RACE, WAKE),
    'births of processes without the lock of the tree': ('process/clone.c', ['NO_MUTEX'], 'asan', LOCKS, ['smoke']),
    'a path walk that holds no inode': ('fs/path.c', ['NO_INODE_REF'], 'asan', MEMORY, LOAD),
    'a lookup that returns no reference': ('fs/memfs_dir.c', ['NO_INODE_REF'], 'asan', MEMORY, LOAD),
    'a descriptor read without a reference': ('fs/files.c', ['NO_FILE_REF'], 'asan', MEMORY, LOAD),
    'a child without a reference of the memory': ('process/clone.c', ['NO_MM_REF'], 'asan', MEMORY, WAKE),
    'a thread without a reference of the table': ('process/clone.c', ['NO_FILES_REF'], 'asan', MEMORY, WAKE),
    'a block one byte short': ('process/strings.c', ['SMALL_BLOCK'], 'asan', MEMORY, ['smoke']),
    'a block freed twice': ('ipc/eventfd.c', ['FREE_EARLY'], 'asan', MEMORY, LOAD),
    'a structure copied beyond its end': ('fs/sys/sys_poll.c', ['LONG_COPY'], 'asan', MEMORY, LOAD),
    'pipes that wake nobody': ('ipc/pipe.c', ['NO_WAKE'], 'asan', HANG, WAKE),
    'eventfd that wakes nobody': ('ipc/eventfd.c', ['NO_WAKE'], 'asan', HANG, WAKE),
    'futex that wakes nobody': ('process/futex.c', ['NO_UNPARK', 'NO_WAKE'], 'asan', HANG, WAKE),
    'ends of processes that wake nobody': ('process/exit.c', ['NO_WAKE'], 'asan', HANG, WAKE),
    'a mutex that wakes nobody': ('sync/mutex.c', ['NO_WAKE', 'NO_UNPARK'], 'asan', HANG, WAKE),
    'names of memfs that stay locked': ('fs/memfs_dir.c', ['NO_MUTEX_UNLOCK'], 'asan', LOCKS, ['smoke']),
    'a descriptor table that stays locked': ('fs/files.c', ['NO_SPIN_UNLOCK'], 'asan', LOCKS, ['smoke']),
}


def commands():
    with open(os.path.join(run.BUILD, 'compile_commands.json'), encoding='utf-8') as file:
        return [c for c in json.load(file) if '/kernel-' in c['output']]


def build(name, known, folder):
    """Links the bench with one object that has the fault: the program."""
    source, words, sanitizer, _, _ = FAULTS[name]
    command, = [c for c in known if f'/kernel-{sanitizer}.p/' in c['output'] and c['file'].endswith('/src/libos/' + source)]
    compiler = command['command'].replace('ccache ', '')
    planted, program = os.path.join(folder, 'planted.o'), os.path.join(folder, 'bench')
    words = ' '.join('-DPLANT_' + word for word in words)
    compiler = compiler.replace(f" -o {command['output']} ", f' -w -include {run.PROJECT}/tests/kernel/plant.h {words} -o {planted} ').replace(f" -MF {command['output']}.d", '').replace(' -MD', '').replace(f" -MQ {command['output']}", '')
    link = subprocess.run(['ninja', '-C', run.BUILD, '-t', 'commands', 'tests/kernel/kernel-' + sanitizer], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1]
    link = link.replace(f" {command['output']} ", f' {planted} ').replace(f' -o tests/kernel/kernel-{sanitizer} ', f' -o {program} ')
    for step in (compiler, link):
        subprocess.run(step, shell=True, check=True, cwd=run.BUILD)
    return program


def plant(name, known):
    _, _, sanitizer, told, program = FAULTS[name]
    with tempfile.TemporaryDirectory(prefix='occlum-planted-') as folder:
        try:
            bench = build(name, known, folder)
        except (subprocess.CalledProcessError, ValueError) as fault:
            return False, f'it could not be planted: {fault}'
        status, text = run.bench(sanitizer, *program, timeout=90, program=bench, hang=3)
    return status != 0 and (told in text or LOCKS in text), text


def clean():
    """The bench without a fault: whatever it told would count as a catch."""
    for sanitizer in ('asan', 'tsan'):
        for program in (['smoke'], ['--seconds', '4', 'wakeups'], ['--threads', '4', '--seconds', '6', 'load']):
            status, text = run.bench(sanitizer, *program, timeout=120)
            if status:
                return False, text
    return True, ''


def main():
    names = [name for name in FAULTS if not sys.argv[1:] or name in sys.argv[1:]]
    known = commands()
    print(f'1..{len(names) + 1}', flush=True)
    good, text = clean()
    failures = not good
    if not good:
        print(run.shown(text))
    print(f'{"ok" if good else "not ok"} 1 - without a fault nothing is told', flush=True)
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        for number, (name, (caught, text)) in enumerate(zip(names, pool.map(lambda name: plant(name, known), names)), 2):
            failures += not caught
            if not caught:
                print(run.shown(text))
            print(f'{"ok" if caught else "not ok"} {number} - caught: {name}', flush=True)
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
