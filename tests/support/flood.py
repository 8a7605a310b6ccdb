#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Floods a control socket from one user for SECONDS.

	flood.py SOCKET KIND CONNECTIONS SECONDS [RUN]

KIND is one of
	list show report status   pipelined calls; their answers are read and dropped
	long                      calls of one megabyte
	knock                     connections that close at once
	crowd                     as many connections as can be had, which say nothing
	half                      half a message on each connection
	asleep                    pipelined calls whose answers are not read
Prints one line at the end: what it sent.
"""
import selectors
import socket
import sys
import time

METHODS = {'list': 'List', 'show': 'Show', 'report': 'Report', 'asleep': 'Report'}


def message(kind, run):
	if kind == 'long':
		return b'{"method":"io.rpsd.Control.Start","parameters":{"name":"%s"}}\0' % \
			(b'x' * 1000000)
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
	for _ in range(n):
		client = connect(path)
		if client:
			clients.append(client)
			try:
				client.send(data)
			except OSError:
				pass
		if time.monotonic() >= end:
			break
	time.sleep(max(0, end - time.monotonic()))
	return len(clients)


def pour(path, kind, n, end, run):
	selector = selectors.DefaultSelector()
	data = message(kind, run)
	data *= max(1, 65536 // len(data))
	sent = 0
	positions = {}
	for _ in range(n):
		client = connect(path)
		if client:
			selector.register(client, selectors.EVENT_READ | selectors.EVENT_WRITE)
			positions[client] = 0
	while time.monotonic() < end and positions:
		for key, events in selector.select(0.1):
			client = key.fileobj
			try:
				if events & selectors.EVENT_READ and kind != 'asleep':
					if not client.recv(1 << 20):
						raise OSError
				if events & selectors.EVENT_WRITE:
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
