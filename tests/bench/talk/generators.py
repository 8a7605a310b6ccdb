# SPDX-License-Identifier: Apache-2.0
"""One thread: a request is a generator that yields its socket where it would wait, and select
tells which of the stopped ones can go on.

usage: generators.py PORT SECONDS TASKS    No request begins after SECONDS.
"""
import collections
import select
import socket
import sys
import time

PORT, SECONDS, TASKS = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
GET = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

done = 0


def request():
    global done
    sock = socket.socket()
    sock.setblocking(False)
    sock.connect_ex(("127.0.0.1", PORT))
    yield "write", sock
    sock.send(GET)
    yield "read", sock
    answer = sock.recv(1000)
    sock.close()
    done += answer.startswith(b"HTTP/1.1 200")


def user():
    while time.monotonic() < start + SECONDS:
        yield from request()


start = time.monotonic()
tasks = collections.deque(user() for _ in range(TASKS))
stopped = {"read": {}, "write": {}}
while tasks or stopped["read"] or stopped["write"]:
    while not tasks:
        readable, writable, _ = select.select(stopped["read"], stopped["write"], [])
        tasks.extend(stopped["read"].pop(sock) for sock in readable)
        tasks.extend(stopped["write"].pop(sock) for sock in writable)
    task = tasks.popleft()
    try:
        what, sock = next(task)
        stopped[what][sock] = task
    except StopIteration:
        pass
print("requests", done, "seconds", time.monotonic() - start)
