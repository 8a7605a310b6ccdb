#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A crowd at the control socket: clients that only sit there, and some that do not read.

	crowd.py SOCKET

It does what it is told, a word on each line of its input, and answers each with a line:

	idle N      N more connections that say nothing
	deaf RUN    one that asks much, then watches RUN, and reads nothing
	greedy      one that asks as much as the socket takes, and reads nothing
	more        one more connection: "taken", or what it is told
	listen      the deaf one reads all: how many messages of the watch, how many were skipped
	leave       the greedy one goes
"""
import re
import socket
import sys

PATIENCE_S = 20
ASK = b'{"method":"org.varlink.service.GetInterfaceDescription",' \
      b'"parameters":{"interface":"org.varlink.service"}}\0'
# Replies of some 800 bytes: more than a socket holds, less than stops further calls.
ASKED = 400


def connect():
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(PATIENCE_S)
    client.connect(sys.argv[1])
    return client


def pour(client, data):
    """Sends what the socket takes now."""
    client.setblocking(False)
    try:
        while data:
            data = data[client.send(data):]
    except BlockingIOError:
        pass
    client.settimeout(PATIENCE_S)


def more():
    """A call tells whether the connection has been taken; a refusal comes unasked."""
    client = connect()
    try:
        client.sendall(ASK)
    except OSError:
        pass
    data = b''
    try:
        while not data.endswith(b'\0'):
            part = client.recv(65536)
            if not part:
                break
            data += part
    except OSError as error:
        return f'lost: {error}'
    reason = re.search(rb'"reason":"([^"]*)"', data)
    client.close()
    return 'refused: ' + reason.group(1).decode() if reason else 'taken'


def listen(client):
    data = b''
    last = re.compile(rb'"progress":(?!.*"continues":true)', re.S)
    while True:
        part = client.recv(65536)
        if not part:
            return 'closed'
        data += part
        messages = data.split(b'\0')
        watched = [m for m in messages[:-1] if b'"progress"' in m]
        if watched and last.search(watched[-1]):
            break
    skipped = sum(int(re.search(rb'"skipped":(\d+)', m).group(1)) for m in watched)
    return f'{len(watched)} messages, {skipped} skipped'


def main():
    idle = []
    deaf = greedy = None
    for line in sys.stdin:
        word, _, rest = line.strip().partition(' ')
        answer = 'done'
        if word == 'idle':
            idle += [connect() for _ in range(int(rest))]
        elif word == 'deaf':
            deaf = connect()
            pour(deaf, ASK * ASKED)
            deaf.sendall(b'{"method":"io.rpsd.Control.Watch","more":true,'
                         b'"parameters":{"run":"%s"}}\0' % rest.encode())
        elif word == 'greedy':
            greedy = connect()
            pour(greedy, ASK * 100000)
        elif word == 'more':
            answer = more()
        elif word == 'listen':
            answer = listen(deaf)
        elif word == 'leave':
            greedy.close()
        print(answer, flush=True)


main()
