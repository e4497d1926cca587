#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Processes that share memory, by python's multiprocessing and two processes on one sqlite database (its -shm file is a shared map)."""
import os

from harness import PLATFORM, Group, Instance, expect, run_command

group = Group()
PYTHON = '/usr/bin/python3.11'
LEFT_OUT = ['test', '__pycache__', 'config-3.11-*', 'idlelib', 'lib2to3', 'dist-packages', 'ensurepip']

MULTIPROCESSING = '''
import multiprocessing, os, sys
from multiprocessing import shared_memory

def square(x): return x * x
def tell(queue, n): queue.put((n, os.getppid() != 0))
def count(value):
    for _ in range(100):
        with value.get_lock(): value.value += 1
def write(name, i):
    memory = shared_memory.SharedMemory(name)
    memory.buf[i] = i + 1
    memory.close()

def run(context, target, arguments):
    children = [context.Process(target=target, args=a) for a in arguments]
    [c.start() for c in children]
    return children

def join(children):
    [c.join() for c in children]
    return [c.exitcode for c in children]

if __name__ == '__main__':
    context = multiprocessing.get_context(sys.argv[1])
    queue = context.Queue()
    children = run(context, tell, [(queue, i) for i in range(3)])
    print(sorted(queue.get() for _ in children), join(children))
    with context.Pool(3) as pool: print(sum(pool.map(square, range(200), chunksize=7)))
    memory = shared_memory.SharedMemory(create=True, size=100)
    print(join(run(context, write, [(memory.name, i) for i in range(3)])), bytes(memory.buf[:4]))
    memory.close(); memory.unlink()
    value = context.Value('i', 0)
    print(join(run(context, count, [(value,)] * 2)), value.value)
    child = run(context, print, [('from the child',)])[0]
    child.join(); child = context.Process(target=os.abort); child.start(); child.join(); print(child.exitcode)
'''

DATABASE = '''
import os, sqlite3
path = '/tmp/two.db'
db = sqlite3.connect(path)
print(db.execute('pragma journal_mode=wal').fetchone())
db.execute('create table t (a integer primary key, writer int)'); db.commit(); db.close()
children = []
for writer in range(2):
    pid = os.fork()
    if pid == 0:
        db = sqlite3.connect(path, timeout=300, isolation_level=None)
        for _ in range(100):
            db.execute('begin immediate'); db.execute('insert into t (writer) values (?)', (writer,)); db.execute('commit')
        db.close(); os._exit(0)
    children.append(pid)
print([os.waitpid(pid, 0)[1] for pid in children])
db = sqlite3.connect(path)
print(db.execute('select writer, count(*) from t group by writer').fetchall(), db.execute('pragma integrity_check').fetchone())
'''


def setup():
    instance = Instance('sharing', **({'resource_limits.user_space_max_size': '800MB'} if PLATFORM == 'emulated-edmm' else {}))
    instance.pack(PYTHON, '/usr/lib/python3.11', exclude=LEFT_OUT)
    instance.add_text('/opt/processes.py', MULTIPROCESSING)
    instance.add_text('/opt/database.py', DATABASE)
    instance.build()
    return instance


def add(method):
    def case(instance):
        native = run_command([PYTHON, os.path.join(instance.image, 'opt/processes.py'), method])  # the twin has no /dev/shm
        inside = instance.run(PYTHON, '/opt/processes.py', method, timeout=120)
        expect(native.status == 0 and (inside.text, inside.status) == (native.text, 0), 'the outputs differ (inside, native)', inside, native)
    group.add('multiprocessing by ' + method + ': queue, pool, shared memory, a value with a lock, how children end', case)


for each in ('fork', 'spawn', 'forkserver'):
    add(each)
group.add('two processes write to one sqlite database in WAL mode', lambda instance: instance.same(PYTHON, '/opt/database.py', timeout=120))

if __name__ == '__main__':
    group.main(setup)
