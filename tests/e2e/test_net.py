#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Sockets: small programs beside Linux, python's asyncio, servers and clients across the border."""
import contextlib
import http.server
import json
import os
import socket
import subprocess
import threading
import time
import urllib.request

from harness import (OCCLUM, PLATFORM, Group, Instance, Skip, clean_environment, expect, expect_output, kill_group,
                     run_command, scratch)

group = Group()
PYTHON = '/usr/bin/python3.11'
CURL, REDIS = '/usr/bin/curl', '/usr/bin/redis-server'
LEFT_OUT = ['test', '__pycache__', 'config-3.11-*', 'idlelib', 'lib2to3', 'dist-packages', 'ensurepip']


def setup():
    instance = Instance('net', **({'resource_limits.user_space_size': '2GB'} if PLATFORM == 'emulated' else {}))
    instance.pack(PYTHON, '/usr/lib/python3.11', exclude=LEFT_OUT)
    instance.compile('unix_sockets', 'inet_sockets')
    instance.pack(*(path for path in (CURL, REDIS) if os.path.exists(path)))
    instance.add_text('/opt/www/small', 'small file\n')
    instance.add_text('/opt/www/large', 'x' * (3 << 20))
    instance.build()
    return instance


def same(name, code):
    group.add(name, lambda instance: instance.same(PYTHON, '-c', code))


@group.case('AF_UNIX: streams, pairs, datagrams, names, rights, credentials, waiting')
def _(instance):
    instance.same('/bin/unix_sockets')


same('asyncio: a loop, timers, an executor, a call from another thread', '''
import asyncio, threading, time
async def main():
    loop = asyncio.get_running_loop()
    print(await asyncio.gather(*(asyncio.sleep(i / 100, i) for i in range(5))))
    print(await loop.run_in_executor(None, lambda: threading.current_thread() is not threading.main_thread()))
    done = loop.create_future()
    threading.Thread(target=lambda: (time.sleep(0.05), loop.call_soon_threadsafe(done.set_result, 'woken'))).start()
    print(await done)
asyncio.run(main())''')

same('asyncio: an echo server on a unix socket, 50 clients', '''
import asyncio, os
async def serve(reader, writer):
    while data := await reader.readline():
        writer.write(data.upper())
        await writer.drain()
    writer.close()
async def client(i):
    reader, writer = await asyncio.open_unix_connection('/tmp/echo')
    for j in range(10):
        writer.write(b'line %d %d\\n' % (i, j))
        assert await reader.readline() == b'LINE %d %d\\n' % (i, j)
    writer.close()
    await writer.wait_closed()
    return i
async def main():
    server = await asyncio.start_unix_server(serve, '/tmp/echo')
    print(sum(await asyncio.gather(*(client(i) for i in range(50)))))
    server.close()
    await server.wait_closed()
    os.unlink('/tmp/echo')
asyncio.run(main())''')

same('1 MB through a socketpair between threads', '''
import socket, threading, hashlib
a, b = socket.socketpair()
data = bytes(i * 7 % 251 for i in range(1 << 20))
def send():
    a.sendall(data)
    a.shutdown(socket.SHUT_WR)
threading.Thread(target=send).start()
h, n = hashlib.sha256(), 0
while part := b.recv(5000):
    h.update(part)
    n += len(part)
print(n, h.hexdigest() == hashlib.sha256(data).hexdigest())''')

same('send_fds, recv_fds', '''
import socket, os
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
r, w = os.pipe()
socket.send_fds(a, [b'take'], [w])
os.close(w)
msg, fds, flags, _ = socket.recv_fds(b, 16, 4)
os.write(fds[0], b'through')
print(msg, len(fds), os.read(r, 16))''')



@group.case('AF_INET: streams, connecting, options, datagrams, bulk')
def _(instance):
    instance.same('/bin/inet_sockets')


same('IPv4 and IPv6, a refused connection', '''
import socket, threading
def serve(listener):
    connection, _ = listener.accept()
    while data := connection.recv(1000): connection.sendall(data.upper())
    connection.close()
for family, host in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1')):
    try: listener = socket.create_server((host, 0), family=family)
    except OSError: continue
    thread = threading.Thread(target=serve, args=(listener,))
    thread.start()
    client = socket.create_connection(listener.getsockname()[:2])
    client.sendall(b'hello')
    print(client.recv(100), client.getpeername() == listener.getsockname())
    client.shutdown(socket.SHUT_WR)
    print(client.recv(10))
    thread.join()
try: socket.create_connection(('127.0.0.1', 1), timeout=5)
except OSError as error: print(error)''')

same('asyncio: an echo server over TCP, 50 clients', '''
import asyncio
async def serve(reader, writer):
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()
    writer.close()
async def client(port, i):
    reader, writer = await asyncio.open_connection('127.0.0.1', port)
    for j in range(10):
        writer.write(b'%d\\n' % j)
        assert int(await reader.readline()) == j
    writer.close()
    return i
async def main():
    server = await asyncio.start_server(serve, '127.0.0.1', 0)
    port = server.sockets[0].getsockname()[1]
    print(sum(await asyncio.gather(*(client(port, i) for i in range(50)))))
asyncio.run(main())''')


@group.case('the own name and localhost resolve; resolv.conf is made of the host\'s, unless the image has one')
def _(instance):
    code = 'import socket; print(socket.gethostbyname("localhost"), socket.gethostbyname(socket.gethostname())); print(open("/etc/resolv.conf").read())'
    result = instance.run(PYTHON, '-c', code)
    expect(result.status == 0 and result.text.startswith('127.0.0.1 127.0.1.1\n'), 'names do not resolve', result)
    with open('/etc/resolv.conf', encoding='utf-8', errors='replace') as file:
        servers = [line.split()[1] for line in file if line.startswith('nameserver ')]
    for server in servers[:3]:
        expect(f'nameserver {server}\n' in result.text, 'a name server of the host is not there', result)


def host_calls(instance, name):
    """The host calls of a run in which 3 MB go over TCP inside, by kind."""
    path = os.path.join(scratch(), name)
    result = run_command([OCCLUM, 'run', f'--report={path}', '/bin/inet_sockets'], cwd=instance.folder, env=clean_environment())
    expect(result.status == 0, 'the program failed', result)
    with open(path, encoding='utf-8') as file:
        return json.load(file)['host_calls']


@group.case('connections inside: the host sees no data of them; with network.loopback false it sees all')
def _(instance):
    calls = host_calls(instance, 'inside.json')
    seen = calls.get('sock_send', 0) + calls.get('sock_recv', 0)
    # Datagrams, calls that are refused, one accept that times out.
    expect(seen < 40 and calls.get('sock_accept', 0) <= 1, f'{seen} calls for data: {calls}')
    other = Instance('net-outside', **{'network.loopback': False})
    other.compile('inet_sockets')
    other.build()
    calls = host_calls(other, 'outside.json')
    expect(calls.get('sock_send', 0) > 50 and calls.get('sock_accept', 0) > 3, f'it does not go through the host: {calls}')
    print(f'# calls for data: {seen} inside, {calls["sock_send"] + calls["sock_recv"]} through the host')


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as listener:
        return listener.getsockname()[1]


@contextlib.contextmanager
def server(instance, port, *command):
    """A program inside that listens on a port of the host's loopback."""
    process = subprocess.Popen([OCCLUM, 'run', *command], cwd=instance.folder, env=clean_environment(),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        end = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(('127.0.0.1', port), 5):
                break
            expect(process.poll() is None and time.monotonic() < end, 'it does not listen')
            time.sleep(0.1)
        yield process
    finally:
        kill_group(process)
        process.stdout.close()
        process.wait()


def fetch(port, name):
    with urllib.request.urlopen(f'http://127.0.0.1:{port}/{name}', timeout=60) as answer:
        return answer.read()


@group.case('python http.server inside, clients on the host, 8 at once')
def _(instance):
    port = free_port()
    code = f'import http.server as h, os; os.chdir("/opt/www"); h.ThreadingHTTPServer(("127.0.0.1", {port}), h.SimpleHTTPRequestHandler).serve_forever()'
    with server(instance, port, PYTHON, '-c', code):
        expect(fetch(port, 'small') == b'small file\n', 'the small file is another')
        sizes = []
        threads = [threading.Thread(target=lambda: sizes.append(len(fetch(port, 'large')))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        expect(sizes == [3 << 20] * 8, f'the large file came as {sizes}')


@contextlib.contextmanager
def host_server():
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            data = b'from the host' * 1000
            self.send_response(200)
            self.send_header('Content-Length', str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass
    listener = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    try:
        yield listener.server_address[1]
    finally:
        listener.shutdown()
        listener.server_close()


@group.case('curl inside, a server on the host')
def _(instance):
    if not os.path.exists(CURL):
        raise Skip('curl is not installed')
    with host_server() as port:
        expect_output(instance.run(CURL, '-s', f'http://127.0.0.1:{port}/'), 'from the host' * 1000)


@group.case('python urllib inside, a server on the host')
def _(instance):
    with host_server() as port:
        code = f'import urllib.request; print(len(urllib.request.urlopen("http://127.0.0.1:{port}/").read()))'
        expect_output(instance.run(PYTHON, '-c', code), '13000\n')


def redis_session(port, name, count):
    with socket.create_connection(('127.0.0.1', port), 60) as connection, connection.makefile('rb') as answers:
        for i in range(count):
            connection.sendall(b'SET %s:%d %d\r\nGET %s:%d\r\n' % (name, i, i, name, i))
            lines = [answers.readline() for _ in range(3)]
            if lines != [b'+OK\r\n', b'$%d\r\n' % len(str(i)), b'%d\r\n' % i]:
                return lines
    return None


@group.case('redis-server: 50 clients of the host, SHUTDOWN ends it with status 0')
def _(instance):
    if not os.path.exists(REDIS):
        raise Skip('redis-server is not installed')
    port = free_port()
    with server(instance, port, REDIS, '--port', str(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no') as process:
        wrong = []
        threads = [threading.Thread(target=lambda i=i: wrong.append(redis_session(port, b'k%d' % i, 40))) for i in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        expect(wrong == [None] * 50, f'wrong answers: {[lines for lines in wrong if lines][:3]}')
        with socket.create_connection(('127.0.0.1', port), 60) as connection:
            connection.sendall(b'SHUTDOWN NOSAVE\r\n')
            expect(process.wait(60) == 0, f'the status is {process.returncode}')


group.main(setup)
