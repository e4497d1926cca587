#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Sockets: small programs beside Linux, python's asyncio."""
from harness import PLATFORM, Group, Instance

group = Group()
PYTHON = '/usr/bin/python3.11'
LEFT_OUT = ['test', '__pycache__', 'config-3.11-*', 'idlelib', 'lib2to3', 'dist-packages', 'ensurepip']


def setup():
    instance = Instance('net', **({'resource_limits.user_space_size': '2GB'} if PLATFORM == 'emulated' else {}))
    instance.pack(PYTHON, '/usr/lib/python3.11', exclude=LEFT_OUT)
    instance.compile('unix_sockets')
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

group.main(setup)
