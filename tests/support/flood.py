#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Floods a control socket from one user for SECONDS.

	flood.py SOCKET KIND CONNECTIONS SECONDS [RUN]

KIND is one of
	list show report status   pipelined calls; their answers are read and dropped
	full                      calls as long as an observer's may be
	long                      calls of one megabyte, which is too long
	knock                     connections that close at once
	crowd                     as many connections as can be had, which say nothing
	half                      half a message on each connection
	asleep                    pipelined calls whose answers are not read
Who is thrown out connects again. Prints one line at the end: what it sent, in bytes or, where
little or nothing is said, in connections.
"""
import selectors
import socket
import sys
import time

METHODS = {'list': 'List', 'show': 'Show', 'report': 'Report', 'asleep': 'Report'}


def message(kind, run):
	if kind in ('long', 'full'):
		return b'{"method":"io.rpsd.Control.Show","parameters":{"name":"%s"}}\0' % \
			(b'x' * (1000000 if kind == 'long' else 65000))
	name = {'show': 'name', 'report': 'run', 'asleep': 'run'}.get(kind)
	parameters = '"%s":"%s"' % (name, run) if name and run else ''
	more = 'true' if kind in ('report', 'asleep') else 'false'
	return ('{"method":"io.rpsd.Control.%s","more":%s,"parameters":{%s}}\0' %
		(METHODS.get(kind, 'Status'), more, parameters)).encode()


def connect(path):
	client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
	client.setblocking(False)
	try:
		client.connect(path)
	except OSError:
		client.close()
		return None
	return client


def knock(path, end):
	n = 0
	while time.monotonic() < end:
		client = connect(path)
		if client:
			client.close()
			n += 1
	return n


def crowd(path, n, end, data):
	clients = []
	while len(clients) < n and time.monotonic() < end:
		client = connect(path)
		if not client: # too many wait to be accepted
			time.sleep(0.001)
			continue
		clients.append(client)
		try:
			client.send(data)
		except OSError:
			pass
	time.sleep(max(0, end - time.monotonic()))
	return len(clients)


def pour(path, kind, n, end, run):
	selector = selectors.DefaultSelector()
	# Unread answers would wake a sleeper up for ever.
	events = selectors.EVENT_WRITE | (selectors.EVENT_READ if kind != 'asleep' else 0)
	data = message(kind, run)
	data *= max(1, 65536 // len(data))
	sent = 0
	positions = {}
	while time.monotonic() < end:
		while len(positions) < n:
			client = connect(path)
			if not client:
				break
			selector.register(client, events)
			positions[client] = 0
		for key, ready in selector.select(0.1):
			client = key.fileobj
			try:
				if ready & selectors.EVENT_READ and not client.recv(1 << 20):
					raise OSError
				if ready & selectors.EVENT_WRITE:
					k = client.send(data[positions[client]:])
					positions[client] = (positions[client] + k) % len(data)
					sent += k
			except BlockingIOError:
				pass
			except OSError:
				selector.unregister(client)
				del positions[client]
				client.close()
	return sent


def main():
	path, kind, n, seconds = sys.argv[1:5]
	run = sys.argv[5] if len(sys.argv) > 5 else None
	end = time.monotonic() + float(seconds)
	if kind == 'knock':
		count = knock(path, end)
	elif kind in ('crowd', 'half'):
		count = crowd(path, int(n), end, b'{"method":' if kind == 'half' else b'')
	else:
		count = pour(path, kind, int(n), end, run)
	print(f'{kind}: {count}')


main()
