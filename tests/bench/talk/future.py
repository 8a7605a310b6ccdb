# SPDX-License-Identifier: Apache-2.0
"""The same loop, with requests that come from outside: a producer thread completes a future, and
completing it writes into a socket pair whose other end wakes select.

usage: future.py PORT SECONDS TASKS    No request begins after SECONDS; TASKS at most are under way.
"""
import collections
import queue
import select
import socket
import sys
import threading
import time

PORT, SECONDS, TASKS = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
GET = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


class Future:
    """An action whose result comes later."""

    def __init__(self):
        self.monitor, self._waker = socket.socketpair()
        self.result = None

    def set_done(self, result):
        self.result = result
        self._waker.send(b"!")

    def close(self):
        self.monitor.close()
        self._waker.close()


class EventLoop:
    def __init__(self):
        self._tasks = collections.deque()
        self._stopped = {"read": {}, "write": {}}

    def add_task(self, task):
        self._tasks.append(task)

    def add_future(self, future, callback):
        """Calls back with the result when the future is done."""

        def wait():
            yield "read", future.monitor
            future.close()
            callback(future.result)

        self.add_task(wait())

    def run(self):
        reading, writing = self._stopped["read"], self._stopped["write"]
        while self._tasks or reading or writing:
            while not self._tasks:
                readable, writable, _ = select.select(reading, writing, [])
                self._tasks.extend(reading.pop(sock) for sock in readable)
                self._tasks.extend(writing.pop(sock) for sock in writable)
            task = self._tasks.popleft()
            try:
                what, sock = next(task)
                self._stopped[what][sock] = task
            except StopIteration:
                pass


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
    places.release()


def produce():
    while True:
        places.acquire()
        if time.monotonic() >= start + SECONDS:
            break
        futures.get().set_done(request())
    futures.get().set_done(None)


def expect():
    """Gives the producer a future to complete."""
    future = Future()
    loop.add_future(future, arrive)
    futures.put(future)


def arrive(task):
    if task:
        loop.add_task(task)
        expect()


done = 0
loop = EventLoop()
places = threading.Semaphore(TASKS)
futures = queue.SimpleQueue()
start = time.monotonic()
threading.Thread(target=produce).start()
expect()
loop.run()
print("requests", done, "seconds", time.monotonic() - start)
