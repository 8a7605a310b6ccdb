# SPDX-License-Identifier: Apache-2.0
"""The blocking loop in N threads, each of which waits nearly all of its life.

usage: threads.py PORT SECONDS THREADS    No request begins after SECONDS.
"""
import socket
import sys
import threading
import time

PORT, SECONDS, THREADS = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
GET = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def request():
    sock = socket.socket()
    sock.connect(("127.0.0.1", PORT))
    sock.send(GET)
    answer = sock.recv(1000)
    sock.close()
    return answer.startswith(b"HTTP/1.1 200")


def loop(number):
    while time.monotonic() < start + SECONDS:
        done[number] += request()


start = time.monotonic()
done = [0] * THREADS
threads = [threading.Thread(target=loop, args=(i,)) for i in range(THREADS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("requests", sum(done), "seconds", time.monotonic() - start)
