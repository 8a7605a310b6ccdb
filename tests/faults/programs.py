# SPDX-License-Identifier: Apache-2.0
"""Programs under test, and waiting for what they do: for events, each with a bound."""
import ctypes
import json
import os
import resource
import select
import signal
import socket
import subprocess
import tempfile
import threading
import time

# A child has, until it is another program, the descriptors of all threads: a file that one of them
# is writing could not be executed ("text file busy").
STARTING = threading.Lock()
LIBC = ctypes.CDLL(None, use_errno=True)
IN_CREATE, IN_MOVED_TO, IN_MODIFY = 0x100, 0x80, 0x2


class Program:
    """One program in a session of its own, so that it and its children can be ended."""

    def __init__(self, argv, env, cwd, limits=None):
        def before():
            for which, value in (limits or {}).items():
                resource.setrlimit(which, (value, value))

        self.out = tempfile.TemporaryFile(dir=cwd)
        self.err = tempfile.TemporaryFile(dir=cwd)
        with STARTING:
            self.process = subprocess.Popen(
                argv, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=self.out,
                stderr=self.err, start_new_session=True, preexec_fn=before if limits else None)
        self.ended = os.pidfd_open(self.process.pid)  # readable at its end

    def __del__(self):
        if hasattr(self, "ended"):
            os.close(self.ended)

    def wait(self, seconds):
        """The exit status, negative for a signal; None: it hangs, and is ended."""
        if readable([self.ended], seconds):
            return self.process.wait()
        self.end()
        return None

    def has_ended(self):
        return self.process.poll() is not None

    def end(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def wait_until(self, place, is_so, seconds):
        """True when it is so, which can come about only by a change at the place (a folder, a file);
        False when the program has ended, or the time is over."""
        inotify = LIBC.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if inotify == -1:
            raise OSError(ctypes.get_errno(), "inotify")
        try:
            LIBC.inotify_add_watch(inotify, place.encode(), IN_CREATE | IN_MOVED_TO | IN_MODIFY)
            until = time.monotonic() + seconds
            while not is_so():
                ready = readable([inotify, self.ended], until - time.monotonic())
                if not ready or self.ended in ready:
                    break
                os.read(inotify, 1 << 16)
            return is_so()
        finally:
            os.close(inotify)

    def wait_file(self, path, seconds):
        return self.wait_until(os.path.dirname(path), lambda: os.path.exists(path), seconds)

    def wait_output(self, seconds):
        return self.wait_until("/proc/self/fd/%d" % self.out.fileno(),
                               lambda: os.fstat(self.out.fileno()).st_size > 0, seconds)

    def stdout(self):
        return text_of(self.out)

    def stderr(self):
        return text_of(self.err)


def text_of(file):
    file.seek(0)
    return file.read().decode(errors="replace")


def readable(fds, seconds):
    """Those of them that are, at the latest after so long."""
    poll = select.poll()
    for fd in fds:
        poll.register(fd, select.POLLIN)
    return [fd for fd, _ in poll.poll(max(0, seconds) * 1000)]


class Origin:
    """A server to load: `rpsctl origin`."""

    def __init__(self, argv, env, cwd):
        self.process = subprocess.Popen(argv, env=env, cwd=cwd, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.url = self.process.stdout.readline().decode().strip()
        if not self.url.startswith("http://"):
            raise SystemExit("faults: the origin does not start")

    def close(self):
        self.process.terminate()
        self.process.communicate()


class Client:
    """A connection to a service, which no fault meets on its own side."""

    def __init__(self, path, seconds):
        self.input = b""
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(seconds)
        try:
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def replies(self, method, parameters=None, more=False):
        call = {"method": "io.rpsd.Control." + method, "parameters": parameters or {}, "more": more}
        self.socket.sendall(json.dumps(call).encode() + b"\0")
        while True:
            while b"\0" not in self.input:
                data = self.socket.recv(1 << 18)
                if not data:
                    raise ConnectionResetError(method + ": the connection was closed")
                self.input += data
            message, self.input = self.input.split(b"\0", 1)
            reply = json.loads(message)
            yield reply
            if not reply.get("continues"):
                return

    def call(self, method, parameters=None):
        """The reply's parameters; None: it is an error."""
        reply = next(self.replies(method, parameters))
        return None if "error" in reply else reply["parameters"]

    def start(self, url, **settings):
        """The id of a run of so many settings, "load_rate" for load.rate; None: refused."""
        reply = self.call("Start", {"set": [
            {"key": "target.url", "value": url},
            *({"key": key.replace("_", "."), "value": str(value)}
              for key, value in settings.items())]})
        return reply and reply["id"]
