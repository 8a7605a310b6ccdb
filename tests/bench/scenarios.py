# SPDX-License-Identifier: Apache-2.0
"""What else is compared than small answers over connections that stay: TLS, large bodies, a
connection for each request, pipelining. One null server and a few tools for each."""
import os

import tools

CONNECTIONS = 64
BODY = 1 << 20
BODY_CONNECTIONS = 8  # few, for wrk and h2load leave the bodies under way at the end uncounted
PIPELINE = 16
# h2load ends a run by time only when its connections stay; by number it is told how many, which
# should take it about as long as the others.
H2LOAD_TLS_HANDSHAKES = 1500  # each second
PIPELINE_LUA = """\
-- Written by the benchmark: {n} requests at a time.
init = function(args)
    local one = {{}}
    for i = 1, {n} do one[i] = wrk.format("GET", "/") end
    all = table.concat(one)
end
request = function() return all end
"""


class Scenario:
    """rows: tools, rpsd's own first, which the others are compared with."""

    def __init__(self, key, title, rows, server=(), about="", connections=CONNECTIONS,
                 body=None, is_long=False):
        self.key, self.title, self.rows, self.about = key, title, rows, about
        self.server = list(server)  # flags of the null server; {directory} is filled in
        self.connections = connections
        self.is_long = is_long  # few requests, beside which a tool's start must not count
        self.body = body  # bytes: then cost is for each GB, not for each request


def _rpsd(build, name, *flags, scheme="http"):
    return tools.rpsd_tool(build, name, *flags, scheme=scheme)


def _wrk(name, *flags, scheme="http", script=None):
    def command(port, n, seconds, directory):
        argv = ["-t1", f"-c{n}", f"-d{seconds}s", "--timeout", "60s"] + list(flags)
        if script:
            path = os.path.join(directory, "pipeline.lua")
            with open(path, "w", encoding="ascii") as f:
                f.write(script)
            argv += ["-s", path]
        return argv + [tools.url(port, scheme)]

    return tools.Tool(name, "wrk", command, tools.wrk_report)


def _h2load(name, *flags, scheme="http", per_second=None):
    def command(port, n, seconds, _directory):
        length = ["-n", str(per_second * seconds)] if per_second else ["-D", str(seconds)]
        return ["--h1", "-t1", f"-c{n}"] + length + list(flags) + [tools.url(port, scheme)]

    return tools.Tool(name, "h2load", command, tools.h2load_report)


def _ab(name, *flags, scheme="http"):
    return tools.Tool(
        name, "ab",
        lambda port, n, s, _: ["-q", "-c", str(n), "-t", str(s), "-n", str(500000 * s)] +
        list(flags) + [tools.url(port, scheme)],
        tools.ab_report)


TLS = ["--tls", "{directory}/certificate.pem"]

TLS_ABOUT = """\
No tool verifies the certificate here, as most never do it.
"""

HANDSHAKE_ABOUT = """\
The server gives no tickets and keeps no sessions, so that every handshake of every tool is a whole
one. It closes behind each answer, which says so; rpsd is told --no-keepalive, wrk sends
"Connection: close", ab speaks HTTP/1.0, h2load opens anew by itself (and is given a number of
requests, for it does not end by time then). wrk and ab could not resume in any case.
"""

BODY_ABOUT = """\
Eight connections. The body's bytes are read by nobody: rpsd has the kernel drop them (MSG_TRUNC),
the others copy them to their buffers. The server gives them away by sendfile. Where it says
server-bound, the client has time to spare, and is woken for smaller parts of a body.
"""

CLOSE_ABOUT = """\
The server closes behind each answer, which says so, and so has the TIME_WAITs; the tools are told
as they are for handshakes.
"""

PIPELINE_ABOUT = f"""\
{PIPELINE} requests under way on each of {CONNECTIONS} connections. rpsd: connections.pipeline, with
each request planned, stamped and counted by itself; h2load: -m{PIPELINE}, which with --h1 is
pipelining; wrk: a script that writes {PIPELINE} requests at a time and waits for all of them.
"""


def scenarios(build):
    """All, in the order of the page."""
    close = "Connection: close"
    return [
        Scenario("tls", "TLS, connections stay", [
            _rpsd(build, "rpsd -k", "-k", scheme="https"),
            _wrk("wrk", scheme="https"),
            _h2load("h2load", scheme="https"),
        ], TLS, about=TLS_ABOUT),
        Scenario("handshake", "TLS, a handshake for each request", [
            _rpsd(build, "rpsd -k", "-k", "--no-keepalive", scheme="https"),
            _rpsd(build, "rpsd --cacert", "--cacert", "{directory}/certificate.pem",
                  "--no-keepalive", scheme="https"),
            _wrk("wrk", "-H", close, scheme="https"),
            _h2load("h2load", scheme="https", per_second=H2LOAD_TLS_HANDSHAKES),
            _ab("ab", scheme="https"),
        ], TLS + ["--close"], about=HANDSHAKE_ABOUT, is_long=True),
        Scenario("body", "1 MiB bodies", [
            _rpsd(build, "rpsd"), _wrk("wrk"), _h2load("h2load"),
        ], ["--body", str(BODY)], about=BODY_ABOUT, connections=BODY_CONNECTIONS, body=BODY),
        Scenario("close", "a connection for each request", [
            _rpsd(build, "rpsd", "--no-keepalive"), _wrk("wrk", "-H", close), _ab("ab"),
        ], ["--close"], about=CLOSE_ABOUT),
        Scenario("pipeline", f"pipelining {PIPELINE}", [
            _rpsd(build, "rpsd", "--set", f"connections.pipeline={PIPELINE}"),
            _h2load("h2load", f"-m{PIPELINE}"),
            _wrk("wrk", script=PIPELINE_LUA.format(n=PIPELINE)),
        ], about=PIPELINE_ABOUT),
    ]


def memory_tools(build):
    """Of idle TLS connections."""
    return [_rpsd(build, "rpsd", "-k", scheme="https"), _wrk("wrk", scheme="https"),
            _h2load("h2load", scheme="https")]
