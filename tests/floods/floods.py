#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What floods of the control socket do to other users and to the load, as a table.

Each row has a service of its own, with 200 files in runs.d and a finished run of 60 named requests.
Another user floods the observe socket in one way; meanwhile root asks for Status on the control
socket, the service manager's watchdog is fed, and a run sends 30 % of the ceiling. The same is
measured without a flood, in the row "none". README.md beside this file says what the columns and the
bounds mean.

As root, for it takes two users and a mount namespace.
"""
import argparse
import json
import math
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SUPPORT = os.path.join(HERE, os.pardir, 'support')

# A word of flood.py, how many connections it makes, and the least that it must have sent to have been
# a flood: bytes, or connections where it counts those.
KINDS = {
    'none': None,
    'list': (32, 1 << 20),
    'show': (32, 1 << 20),
    'report': (32, 1 << 20),
    'status': (32, 1 << 20),
    'full': (32, 1 << 20),
    'long': (32, 1 << 20),
    'knock': (1, 1000),
    'crowd': (10000, 10000),
    'half': (10000, 10000),
    'asleep': (32, 1 << 20),
}
STRANGER = '65534'
WATCHDOG_S = 1.0
PROBES = 200
N_FILES = 200
N_REQUESTS = 8
NAMED_REQUESTS = 60
CEILING_SHARE = 0.3
CONTROL = 'io.rpsd.Control.'


# ---------------------------------------------------------------- Varlink

class Client:
    """A connection to the control socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(60)
        self.socket.connect(path)
        self.data = b''

    def send(self, method, parameters=None, **more):
        message = {'method': CONTROL + method, 'parameters': parameters or {}, **more}
        self.socket.sendall(json.dumps(message).encode() + b'\0')

    def receive(self):
        while b'\0' not in self.data:
            part = self.socket.recv(1 << 20)
            if not part:
                raise OSError('the service closed the connection')
            self.data += part
        message, _, self.data = self.data.partition(b'\0')
        reply = json.loads(message)
        if 'error' in reply:
            raise OSError(f'error: {reply}')
        return reply

    def call(self, method, parameters=None):
        self.send(method, parameters)
        return self.receive()['parameters']

    def wait(self, run):
        """Returns when the run has finished."""
        self.send('Watch', {'run': run}, more=True)
        while self.receive().get('continues'):
            pass

    def close(self):
        self.socket.close()


# ---------------------------------------------------------------- programs

class Programs:
    """The programs of a row, ended with it by their ids."""

    def __init__(self):
        self.running = []

    def start(self, argv, **more):
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, **more)
        self.running.append(process)
        return process

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.running):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Watchdog:
    """When the service fed the manager's watchdog; notify_log.py stands in for the manager."""

    def __init__(self, programs, path):
        self.times = []
        self.is_fed = threading.Event()
        self.log = programs.start([sys.executable, os.path.join(SUPPORT, 'notify_log.py'), path],
                                  stdout=subprocess.PIPE, text=True)
        self.log.stdout.readline()
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.log.stdout:
            if 'WATCHDOG=1' in line:
                self.times.append(time.monotonic())
                self.is_fed.set()

    def longest_gap(self, start, end):
        times = [start] + [t for t in self.times if start < t < end] + [end]
        return max(b - a for a, b in zip(times, times[1:]))


def run_text(url, lines='', n_requests=1, name=None):
    text = f'[target]\nurl = {url}\n[load]\n{lines}\n'
    for i in range(n_requests if n_requests > 1 else 0):
        text += f'[request {name or "part"}-{i}]\npath = /{i}?page={i}\nheader = X-Part: {i}\n'
    return text


class Service:
    """rpsd as a service with a policy, in the mount namespace of this program."""

    def __init__(self, programs, build, folder, url):
        self.url = url
        folder = tempfile.mkdtemp(prefix='service.', dir=folder)
        os.chmod(folder, 0o711)
        self.control = os.path.join(folder, 'control.socket')
        self.observe = os.path.join(folder, 'observe.socket')
        notify = os.path.join(folder, 'notify')
        config = os.path.join(folder, 'rpsd.conf')
        with open(config, 'w') as file:
            file.write(f'[control]\nsocket = {self.control}\nobserve = {self.observe}\n'
                       '[policy]\nmax-rate = 2000000/s\nmax-connections = 1000\n')
        self.watchdog = Watchdog(programs, notify)
        self.process = programs.start(
            [os.path.join(build, 'rpsd'), '--config', config],
            env=dict(os.environ, NOTIFY_SOCKET=notify, WATCHDOG_USEC=str(int(WATCHDOG_S * 1e6)),
                     STATE_DIRECTORY=folder),
            stdout=open(os.path.join(folder, 'rpsd.out'), 'w'), stderr=subprocess.STDOUT)
        if not self.watchdog.is_fed.wait(20):
            sys.exit('floods: the service does not feed its watchdog')

    def main_thread_s(self):
        """CPU time that its main thread has used, and how long it has waited for a CPU."""
        pid = self.process.pid
        with open(f'/proc/{pid}/task/{pid}/schedstat') as file:
            return [int(n) / 1e9 for n in file.read().split()[:2]]

    def start(self, lines, n_requests=1):
        client = Client(self.control)
        run = client.call('Start', {'name': 'floods',
                                    'text': run_text(self.url, lines, n_requests)})['id']
        client.close()
        return run

    def result(self, run):
        client = Client(self.control)
        client.wait(run)
        result = client.call('Report', {'run': run})['result']
        client.close()
        return result


# ---------------------------------------------------------------- measuring

def percentile(values, q):
    """Of how many of them are at most that."""
    values = sorted(values)
    return values[max(0, math.ceil(q * len(values)) - 1)]


def probe(path, until):
    """How long each of PROBES calls of Status took, from connect to reply, spread over the time."""
    took = []
    for i in range(PROBES):
        left = until - time.monotonic()
        time.sleep(max(0.001, left / (PROBES - i)))
        start = time.monotonic()
        client = Client(path)
        client.call('Status')
        took.append(time.monotonic() - start)
        client.close()
    return took


def as_stranger():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(hard, 20000), max(hard, 20000)))


def start_flood(programs, folder, service, kind, run, seconds):
    n, _ = KINDS[kind]
    return programs.start(
        ['setpriv', '--reuid', STRANGER, '--regid', STRANGER, '--clear-groups', '/usr/bin/python3',
         os.path.join(folder, 'flood.py'), service.observe, kind, str(n), str(seconds)] +
        ([run] if kind in ('report', 'asleep') else ['file-7'] if kind == 'show' else []),
        stdout=subprocess.PIPE, text=True, preexec_fn=as_stranger)


def measure(options, folder, url, kind, rate):
    """A row: what was seen in a service of its own."""
    row = {'kind': kind, 'flood': None}
    seconds = options.seconds
    with Programs() as programs:
        service = Service(programs, options.build, folder, url)
        finished = service.start('rate = 400\nduration = 500ms', NAMED_REQUESTS)
        service.result(finished)
        flood = None
        if KINDS[kind]:
            flood = start_flood(programs, folder, service, kind, finished, seconds + 2)
            time.sleep(1)
        start = time.monotonic()
        before = service.main_thread_s()
        run = service.start(f'rate = {rate}\nduration = {seconds}s')
        took = probe(service.control, start + seconds)
        end = time.monotonic()
        row['cpu'], row['wait'] = ((b - a) / (end - start) for a, b in
                                   zip(before, service.main_thread_s()))
        row['gap'] = service.watchdog.longest_gap(start, end)
        if flood:
            row['flood'] = int(flood.communicate(timeout=120)[0].split()[-1])
        result = service.result(run)
    row['p50'], row['p99'], row['max'] = (percentile(took, q) * 1e3 for q in (0.5, 0.99, 1))
    row['sent'] = result['ledger']['sent'] / result['ledger']['planned']
    row['ok'] = result['ledger']['ok'] / result['ledger']['planned']
    row['delay'] = result['latency']['our_delay']['p99_ns'] / 1e6
    return row


def ceiling(options, folder, url):
    """What a run of this service can send to that server, in requests a second."""
    with Programs() as programs:
        service = Service(programs, options.build, folder, url)
        run = service.start('rate = max\nduration = 3s')
        return service.result(run)['rates']['sent_per_s']


# ---------------------------------------------------------------- judging

def faults(options, row, still):
    """What is beyond its bound."""
    found = []
    if KINDS[row['kind']] and row['flood'] < KINDS[row['kind']][1]:
        found.append(f'the flood sent {row["flood"]:,}, which is none')
    if row['p99'] > options.status_ms:
        found.append(f'Status p99 {row["p99"]:.1f} ms > {options.status_ms:g}')
    if row['gap'] >= WATCHDOG_S:
        found.append(f'watchdog not fed for {row["gap"]:.2f} s')
    if row['sent'] < still['sent'] - 0.01:
        found.append(f'sent {row["sent"]:.2%} of its plan')
    if row['delay'] > still['delay'] + options.delay_ms:
        found.append(f'schedule delay p99 {row["delay"]:.2f} ms, {still["delay"]:.2f} undisturbed')
    if row['cpu'] > options.cpu:
        found.append(f'main thread {row["cpu"]:.0%} of a CPU > {options.cpu:.0%}')
    return found


HEAD = ('flood', 'sent by it', 'Status p50', 'p99', 'max ms', 'watchdog s', 'main CPU', 'waits',
        'run sent', 'ok', 'delay p99 ms')
FORMAT = '{:<8}{:>14}{:>12}{:>8}{:>8}{:>12}{:>10}{:>8}{:>10}{:>9}{:>14}'


def show(row):
    print(FORMAT.format(
        row['kind'], '-' if row['flood'] is None else f'{row["flood"]:,}', f'{row["p50"]:.2f}',
        f'{row["p99"]:.2f}', f'{row["max"]:.2f}', f'{row["gap"]:.2f}', f'{row["cpu"]:.1%}',
        f'{row["wait"]:.1%}', f'{row["sent"]:.2%}', f'{row["ok"]:.2%}', f'{row["delay"]:.3f}'), flush=True)


# ---------------------------------------------------------------- the place

def into_namespace():
    """This program again, in a mount namespace of its own; there /etc can be another folder."""
    if os.environ.get('RPSD_FLOODS') == 'inside':
        return
    os.execvpe('unshare', ['unshare', '--mount', '--propagation', 'private', sys.executable] +
               sys.argv, dict(os.environ, RPSD_FLOODS='inside'))


def lay_out(folder, url):
    """runs.d with its files, at its place: /etc is a copy, in this namespace alone."""
    etc = os.path.join(folder, 'etc')
    subprocess.run(['cp', '-a', '/etc', etc], check=True)
    shutil.rmtree(os.path.join(etc, 'rpsd'), ignore_errors=True)
    runs = os.path.join(etc, 'rpsd', 'runs.d')
    os.makedirs(runs)
    for i in range(N_FILES):
        with open(os.path.join(runs, f'file-{i}.ini'), 'w') as file:
            file.write(run_text(url, 'rate = 10\nduration = 10s', N_REQUESTS, f'of-{i}'))
    subprocess.run(['mount', '--bind', etc, '/etc'], check=True)
    shutil.copy(os.path.join(SUPPORT, 'flood.py'), folder)
    os.chmod(os.path.join(folder, 'flood.py'), 0o644)


def start_origin(programs, build):
    origin = programs.start([os.path.join(build, 'rpsctl'), 'origin', '--listen', '127.0.0.1:0'],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return origin.stdout.readline().split()[0]


def load_average():
    with open('/proc/loadavg') as file:
        return file.read().split()[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('--build', default='build')
    parser.add_argument('--seconds', type=int, default=8, help='each row is measured for so long')
    parser.add_argument('--status-ms', type=float, default=10, help="bound of Status' p99")
    parser.add_argument('--delay-ms', type=float, default=5,
                        help='so much more may the schedule delay be than undisturbed, at p99')
    parser.add_argument('--cpu', type=float, default=0.4, help='bound of the main thread')
    parser.add_argument('kinds', nargs='*', metavar='KIND', help=', '.join(KINDS))
    options = parser.parse_args()
    for kind in options.kinds:
        if kind not in KINDS:
            parser.error(f'no such flood: {kind} (choose from {", ".join(KINDS)})')
    if os.geteuid() != 0:
        sys.exit('floods: needs root, for a second user and a mount namespace')
    into_namespace()
    options.build = os.path.abspath(options.build)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # Another user has to reach it.
    with tempfile.TemporaryDirectory(prefix='rpsd-floods.', dir='/tmp') as folder, \
            Programs() as programs:
        os.chmod(folder, 0o711)
        url = start_origin(programs, options.build)
        lay_out(folder, url)
        try:
            failed = table(options, folder, url)
        finally:
            subprocess.run(['umount', '/etc'], check=True)
    sys.exit(1 if failed else 0)


def table(options, folder, url):
    """Measures and prints the rows; how many are beyond a bound."""
    begin = time.monotonic()
    before = load_average()
    most = ceiling(options, folder, url)
    rate = max(1, int(most * CEILING_SHARE))
    print(f'ceiling {most:,.0f}/s, the run sends {rate:,}/s; load average {before} before')
    print(FORMAT.format(*HEAD))
    n_failed = 0
    still = None
    for kind in ['none'] + [k for k in options.kinds or KINDS if k != 'none']:
        row = measure(options, folder, url, kind, rate)
        still = still or row
        show(row)
        found = faults(options, row, still)
        for fault in found:
            print(f'  FAILED: {fault}', flush=True)
        if found and row is still:
            print('  this machine is too busy to judge: nothing flooded it yet')
        n_failed += len(found)
    print(f'load average {load_average()} after; {time.monotonic() - begin:.0f} s')
    return n_failed


main()
