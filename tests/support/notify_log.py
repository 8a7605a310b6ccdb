#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stands in for the service manager: notify_log.py SOCKET prints what comes to it, a line each."""
import socket
import sys

manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
print('bound', flush=True)
while True:
	print(manager.recv(4096).decode(errors='replace').replace('\n', ' '), flush=True)
