#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Debian's python3.11 as it is shipped (not PIE), with its standard library."""
import sqlite3

from harness import PLATFORM, Group, Instance, expect_contains, expect_output, expect_status, expect

group = Group()
PYTHON = '/usr/bin/python3.11'
LEFT_OUT = ['test', '__pycache__', 'config-3.11-*', 'idlelib', 'lib2to3', 'dist-packages', 'ensurepip']


def setup():
    instance = Instance('python', **({'resource_limits.user_space_size': '2GB'} if PLATFORM == 'emulated' else {}))
    instance.pack(PYTHON, '/usr/lib/python3.11', exclude=LEFT_OUT)
    instance.compile('hello', 'args', 'exit_with', 'crash')
    instance.compile('spawn')
    instance.add_text('/opt/script.py', '#!/usr/bin/python3.11 -S\nimport sys\nprint("script", sys.argv[1:], sys.flags.no_site)\n', 0o755)
    instance.build()
    return instance


def python(instance, code, *arguments, **options):
    return instance.run(PYTHON, '-c', code, *arguments, **options)


def same(name, code, *arguments, **options):
    group.add(name, lambda instance: instance.same(PYTHON, '-c', code, *arguments, **options))


def prints(name, code, wanted, **options):
    group.add(name, lambda instance: expect_output(python(instance, code, **options), wanted))


prints('print', 'print("hello from inside")', 'hello from inside\n')
same('arguments', 'import sys; print(sys.argv, sys.version)', 'with space', '', 'ünïcode')
same('exit status', 'import sys; sys.exit(42)')
same('an exception, its traceback and status 1', 'def f(): return 1/0\nf()', stderr=True)
prints('code from stdin', 'import sys; exec(sys.stdin.read())', '3\n', stdin='print(1 + 2)\n')
same('json', 'import json; print(json.dumps(json.loads(\'{"a": [1, 2.5, null, "\\u00e9"]}\'), sort_keys=True))')
same('hashlib of everything', 'import hashlib\nfor n in sorted(hashlib.algorithms_guaranteed - {"shake_128", "shake_256"}): print(n, hashlib.new(n, b"x" * 100000).hexdigest())')
same('big integers and floats', 'import math; print(3**5000 % 10**50, math.factorial(300) % 997, math.pi**0.5, sum(i * 0.1 for i in range(1000)))')
same('regular expressions', 'import re; print(re.findall(r"(\\w+)@(\\w+)", "a@b, cc@dd"), re.sub("(?i)X", "y", "xXx"))')
same('struct, array, zlib, bz2, lzma', '''
import struct, array, zlib, bz2, lzma
data = struct.pack("<QdI", 7, 1.5, 9) * 5000 + array.array("i", range(5000)).tobytes()
for m in (zlib, bz2, lzma): assert m.decompress(m.compress(data)) == data
print(len(data), zlib.crc32(data))''')
same('ctypes', 'import ctypes; print(ctypes.CDLL(None).strlen(b"seven77"))')
same('decimal, datetime, random with a seed', 'import decimal, datetime, random; random.seed(5); print(decimal.Decimal(2).sqrt(), datetime.datetime(2026, 1, 1).isoformat(), random.random())')
prints('50 threads', '''
import threading
lock, total, start = threading.Lock(), [0], threading.Barrier(50)
def work():
    start.wait()
    for _ in range(200):
        with lock: total[0] += 1
threads = [threading.Thread(target=work) for _ in range(50)]
[t.start() for t in threads]; [t.join() for t in threads]
print(total[0], threading.active_count())''', '10000 1\n')
prints('queues, time-outs and a thread pool', '''
import concurrent.futures, queue, threading, time
q = queue.Queue()
try: q.get(timeout=0.1)
except queue.Empty: print("empty")
with concurrent.futures.ThreadPoolExecutor(8) as pool: print(sum(pool.map(lambda n: n * n, range(100))))
before = time.monotonic(); time.sleep(0.2); print(0.2 <= time.monotonic() - before < 100)''', 'empty\n328350\nTrue\n')
prints('sqlite3 on a file', '''
import sqlite3
c = sqlite3.connect("/tmp/x.db")
c.execute("create table t (a integer primary key, b text)")
with c: c.executemany("insert into t values (?, ?)", [(i, str(i * i)) for i in range(2000)])
try:
    with c:
        c.execute("delete from t"); raise KeyError
except KeyError: pass
c.close()
c = sqlite3.connect("/tmp/x.db")
print(c.execute("select count(*), max(a), (select b from t where a = 77) from t").fetchone(), c.execute("pragma integrity_check").fetchone())''',
       "(2000, 1999, '5929') ('ok',)\n")
prints('sqlite3 with a write-ahead log', '''
import sqlite3
c = sqlite3.connect("/tmp/y.db")
print(c.execute("pragma journal_mode=wal").fetchone())
with c: c.execute("create table t (a)"); c.executemany("insert into t values (?)", [(i,) for i in range(500)])
print(sqlite3.connect("/tmp/y.db").execute("select sum(a) from t").fetchone())''', "('wal',)\n(124750,)\n")
prints('tempfile', '''
import tempfile, os
with tempfile.NamedTemporaryFile() as f:
    f.write(b"x" * 100000); f.flush(); print(os.stat(f.name).st_size)
with tempfile.TemporaryDirectory() as d:
    open(os.path.join(d, "a"), "w").write("1"); print(os.listdir(d))
print(os.path.exists(d))
with tempfile.TemporaryFile() as f: f.write(b"abc"); f.seek(1); print(f.read())''', "100000\n['a']\nFalse\nb'bc'\n")
same('os.walk over its own library', '''
import os, hashlib
names, total, digest = 0, 0, hashlib.sha256()
for folder, folders, files in os.walk("/usr/lib/python3.11"):
    folders.sort()
    for name in sorted(files):
        path = os.path.join(folder, name)
        if "__pycache__" in path or not os.path.isfile(path): continue
        data = open(path, "rb").read(); names += 1; total += len(data); digest.update(name.encode() + data)
print(names, total, digest.hexdigest())''')
prints('files: rename, links, modes, times, truncation, scandir', '''
import os
os.makedirs("/tmp/a/b"); os.chdir("/tmp/a")
with open("f", "w") as f: f.write("hello"); f.truncate(2)
os.rename("f", "b/g"); os.link("b/g", "h"); os.symlink("h", "s"); os.chmod("h", 0o600); os.utime("h", (5, 7))
s = os.stat("s"); print(s.st_size, oct(s.st_mode), s.st_nlink, s.st_mtime, os.readlink("s"), os.getcwd())
print(sorted((e.name, e.is_dir(), e.is_symlink()) for e in os.scandir(".")))
os.replace("h", "b/g2"); print(sorted(os.listdir("b")))
try: os.rmdir("b")
except OSError as e: print(e.strerror)
fd = os.open("b/g", os.O_RDWR); os.pwrite(fd, b"XY", 1); print(os.pread(fd, 10, 0), os.lseek(fd, 0, 2)); os.close(fd)''',
       "2 0o100600 2 7.0 h /tmp/a\n[('b', True, False), ('h', False, False), ('s', False, True)]\n['g', 'g2']\nDirectory not empty\nb'hXY' 3\n")
prints('mmap of a file', '''
import mmap
open("/tmp/m", "wb").write(b"a" * 10000)
with open("/tmp/m", "r+b") as f:
    m = mmap.mmap(f.fileno(), 0); m[5000:5003] = b"xyz"; m.flush(); m.close()
print(open("/tmp/m", "rb").read()[4999:5004])''', "b'axyza'\n")
prints('pipes, select, signals, itimer', '''
import os, select, signal, time
r, w = os.pipe(); print(select.select([r], [], [], 0.05)[0]); os.write(w, b"1"); print(select.select([r], [], [], 1)[0] == [r])
hits = []
signal.signal(signal.SIGUSR1, lambda *a: hits.append("usr1")); os.kill(os.getpid(), signal.SIGUSR1)
signal.signal(signal.SIGALRM, lambda *a: hits.append("alrm")); signal.setitimer(signal.ITIMER_REAL, 0.05); signal.pause()
print(hits)''', "[]\nTrue\n['usr1', 'alrm']\n")
prints('/proc/self and /proc', '''
import os
print(os.readlink("/proc/self/exe"), open("/proc/self/cmdline", "rb").read().split(b"\\0")[0], os.getpid() == int(os.readlink("/proc/self")))
print("[stack]" in open("/proc/self/maps").read(), "MemTotal" in open("/proc/meminfo").read(), sorted(os.listdir("/proc/self/fd"))[:3])''',
       "/usr/bin/python3.11 b'/usr/bin/python3.11' True\nTrue True ['0', '1', '2']\n")
prints('random numbers differ', 'import os, secrets; print(len({os.urandom(16) for _ in range(100)} | {secrets.token_bytes(16)}))', '101\n')
prints('subprocess.run of a PIE program', '''
import subprocess
r = subprocess.run(["/bin/hello"], capture_output=True, text=True); print(r.returncode, repr(r.stdout))
r = subprocess.run(["/bin/exit_with", "200"]); print(r.returncode)
r = subprocess.run(["/bin/crash", "segv"], stdout=subprocess.DEVNULL); print(r.returncode)
r = subprocess.run(["/bin/args", "x y", ""], env={"ONLY": "this"}, stdout=subprocess.PIPE); print(r.stdout)
try: subprocess.run(["/bin/missing"])
except FileNotFoundError as e: print("missing")''',
       "0 'Hello, world!\\n'\n200\n-11\nb'arg 0 [/bin/args]\\narg 1 [x y]\\narg 2 []\\nenv [ONLY=this]\\n'\nmissing\n")
prints('20 children at once, and communicate', '''
import subprocess
children = [subprocess.Popen(["/bin/hello"], stdout=subprocess.PIPE) for _ in range(20)]
print({c.communicate()[0] for c in children}, {c.returncode for c in children})''', "{b'Hello, world!\\n'} {0}\n")
prints('no memory is a MemoryError', '''
try: x = bytearray(1 << 44)
except MemoryError: print("MemoryError")
blocks = []
try:
    while True: blocks.append(bytearray(64 << 20))
except MemoryError: print(len(blocks) > 0)
blocks.clear(); print(len(bytearray(64 << 20)))''', 'MemoryError\nTrue\n67108864\n')


@group.case('a script by its #! line')
def _(instance):
    result = instance.run('/opt/script.py', 'a b')
    expect_output(result, "script ['a b'] 1\n")


@group.case('the second non-PIE program at once: refused with ENOMEM, or run')
def _(instance):
    result = python(instance, '''
import subprocess
try: print(subprocess.run(["/usr/bin/python3.11", "-c", "print(7)"], capture_output=True, text=True).stdout)
except OSError as e: print("errno", e.errno)
print("parent lives")''')
    expect_status(result, 0)
    expect_contains(result, 'parent lives')
    expect('7\n' in result.text or 'errno 12' in result.text or result.text.startswith('\n'), 'neither run nor ENOMEM', result)


@group.case('the database module inside is the one outside')
def _(instance):
    expect_output(python(instance, 'import sqlite3; print(sqlite3.sqlite_version)'), sqlite3.sqlite_version + '\n')


if __name__ == '__main__':
    group.main(setup)
