# SPDX-License-Identifier: BSD-3-Clause
"""Runs the batch helper: list of texts (bytes) -> list of (non-EDMM, EDMM, messages); values None when refused."""
import subprocess

GOOD = {
    'resource_limits': {'kernel_space_heap_size': '32MB', 'kernel_space_stack_size': '1MB', 'user_space_size': '300MB',
                        'max_num_of_threads': 32},
    'process': {'default_stack_size': '4MB', 'default_heap_size': '32MB', 'default_mmap_size': '100MB'},
}

def values(line):
    if line == 'refused':
        return None
    word, *pairs = line.split()
    assert word == 'ok', line
    return {k: int(v) for k, v in (p.split('=') for p in pairs)}

def batch(program, texts):
    data = b''.join(b'%d\n%s' % (len(t), t) for t in texts)
    run = subprocess.run([program], input=data, stdout=subprocess.PIPE, check=True)
    answers, lines = [], iter(run.stdout.decode('utf-8', 'replace').split('\n'))
    for _ in texts:
        plain, edmm, messages = values(next(lines)), values(next(lines)), []
        while line := next(lines):
            messages.append(line)
        answers.append((plain, edmm, messages))
    return answers
