# SPDX-License-Identifier: Apache-2.0
"""One blocking request after the other: connect, send, wait, close.

usage: blocking.py PORT SECONDS    No request begins after SECONDS.
"""
import socket
import sys
import time

PORT, SECONDS = int(sys.argv[1]), float(sys.argv[2])
GET = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def request():
    sock = socket.socket()
    sock.connect(("127.0.0.1", PORT))
    sock.send(GET)
    answer = sock.recv(1000)
    sock.close()
    return answer.startswith(b"HTTP/1.1 200")


start = time.monotonic()
requests = 0
while time.monotonic() < start + SECONDS:
    requests += request()
print("requests", requests, "seconds", time.monotonic() - start)
