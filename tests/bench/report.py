# SPDX-License-Identifier: Apache-2.0
"""The page: what was measured, as Markdown."""
import statistics

SERVER_BOUND = 0.85

median = statistics.median


def spread(values, form):
    """median (least..most), each through form."""
    if not values:
        return "-"
    if len(values) == 1:
        return form(values[0])
    return f"{form(median(values))} ({form(min(values))}..{form(max(values))})"


def _table(head, rows, n_left=1):
    """The first columns left, the others right; as wide as it needs, to be read as text too."""
    widths = [max(len(row[i]) for row in [head] + rows) for i in range(len(head))]

    def line(cells):
        return "| " + " | ".join(
            cell.ljust(width) if i < n_left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(cells, widths))) + " |"

    rule = "|" + "|".join("-" * (width + 2) if i < n_left else "-" * (width + 1) + ":"
                          for i, width in enumerate(widths)) + "|"
    return [line(head), rule] + [line(row) for row in rows] + [""]


def _pairs(samples, reference, value):
    """The ratios to the reference, pair by pair inside each round."""
    return [value(a) / value(b) for a, b in zip(samples, reference) if a and b]


def _us(seconds):
    return f"{seconds * 1e6:.2f}"


def _ratio(number):
    return f"{number:.2f}"


def _count(number):
    return f"{number:,.0f}"


def _percent(share):
    return f"{100 * share:.0f} %"


def _kib(n_bytes):
    return f"{max(n_bytes, 0) / 1024:.1f}"


def _load_table(found):
    bench, load, calls = found["bench"], found["load"], found["calls"] or {}
    head = ["closed model, 64 connections", "CPU us each", "/ rpsd", "calls each", "requests/s",
            "/ rpsd", "server's core", "KiB each"]
    rows = []
    for tool in bench.load_tools:
        samples = load[tool.name]
        good = [s for s in samples if s]
        if not good:
            why = "no figures" if tool.path() else "not installed"
            rows.append([tool.name, why] + ["-"] * (len(head) - 2))
            continue
        each = calls.get(tool.name)
        memory = found["memory"].get(tool.name)
        share = median(s.server_share for s in good)
        bound = ", server-bound" if share > SERVER_BOUND else ""
        rows.append([
            tool.name,
            spread([s.cpu_each for s in good], _us),
            spread(_pairs(samples, load["rpsd"], lambda s: s.cpu_each), _ratio),
            f"{sum(each.values()):.2f}" if each else "-",
            spread([s.rate for s in good], _count),
            spread(_pairs(samples, load["rpsd"], lambda s: s.rate), _ratio),
            _percent(share) + bound,
            _kib(memory) if memory is not None else "-",
        ])
    return _table(head, rows)


def _calls_table(found):
    if found["calls"] is None:
        return ["System calls: strace is not installed.", ""]
    rows = []
    for name, each in found["calls"].items():
        if not each:
            continue
        many = sorted(((n, call) for call, n in each.items() if n >= 0.005), reverse=True)
        rows.append([name, ", ".join(f"{call} {n:.2f}" for n, call in many)])
    return _table(["", "system calls for each request"], rows, n_left=2) if rows else []


def _talk_table(found):
    seconds, samples = found["talk"]
    rows = []
    for (tool, connections), row in zip(found["bench"].talk_tools, samples):
        good = [s for s in row if s]
        if not good:
            rows.append([tool.name, _count(connections),
                         "no figures" if tool.path() else "not installed", "-", "-"])
            continue
        rows.append([
            tool.name, _count(connections),
            spread([s.rate for s in good], lambda n: f"{n:,.1f}" if n < 100 else f"{n:,.0f}"),
            spread([s.rate / connections for s in good], lambda n: f"{n:.2f}"),
            spread([s.cpu * 1000 for s in good], _count),
        ])
    return seconds, _table(
        ["form", "at once", "requests/s", "for each place", "CPU ms of the whole run"], rows)


def _open_table(found):
    if not found["open"] or not found["open"][1]:
        return ["No figures.", ""]
    rate, good = found["open"]
    seconds = found["bench"].seconds

    def quantile(name, which):
        return spread([s.more["latency"][name][which] / 1e6 for s in good
                       if (s.more["latency"].get(name) or {}).get(which) is not None],
                      lambda ms: f"{ms:.3f}")

    def delivered(count):
        return spread([count(s) for s in good], lambda n: f"{100 * n:.3f}")

    words = sorted({str(s.more["generator"]) for s in good})
    rows = [
        ["planned", f"{rate:,}/s for {seconds} s, {len(good)} times"],
        ["answered well meanwhile, % of the plan",
         delivered(lambda s: s.more["ok_per_s"] / rate)],
        ["with those answered afterwards, %",
         delivered(lambda s: s.requests / (rate * seconds))],
        ["response p50, ms", quantile("response", "p50_ns")],
        ["response p99, ms", quantile("response", "p99_ns")],
        ["our delay p99, ms", quantile("our_delay", "p99_ns")],
        ["CPU us each", spread([s.cpu_each for s in good], _us)],
        ["server's core", _percent(median(s.server_share for s in good))],
        ["rpsd's audit of itself", ", ".join(words)],
    ]
    return _table(["open model", "rpsd"], rows)


def _cost(scenario):
    """(its unit, how a sample's CPU is shown in it, in seconds for each)"""
    if scenario.body:
        return "CPU ms for a GB", 1e3, lambda s: s.cpu_each * 1e9 / scenario.body
    return "CPU us each", 1e6, lambda s: s.cpu_each


def _is_peer(tool):
    return not tool.name.startswith("rpsd")


def _scenario_ratios(found, scenario, row):
    """Its CPU by rpsd's, pair by pair."""
    samples = found["scenarios"][scenario.key]
    return _pairs(samples[row], samples[0], _cost(scenario)[2])


def _standing(ratios):
    """How rpsd stands beside a peer that needs so many times its CPU."""
    ratio = median(ratios)
    if ratio >= 1:
        return f"ahead: {100 * (1 - 1 / ratio):.0f} % less"
    return f"NOT ahead: {100 * (1 / ratio - 1):.0f} % more"


def _scenario_table(found, scenario):
    unit, factor, cost = _cost(scenario)
    head = [scenario.title, unit, "/ rpsd", "rpsd's CPU is", "requests/s", "/ rpsd",
            "server's core"]
    rows = []
    for row, tool in enumerate(scenario.rows):
        samples = found["scenarios"][scenario.key][row]
        good = [s for s in samples if s]
        if not good:
            why = "no figures" if tool.path() else "not installed"
            rows.append([tool.name, why] + ["-"] * (len(head) - 2))
            continue
        ratios = _scenario_ratios(found, scenario, row)
        share = median(s.server_share for s in good)
        rows.append([
            tool.name,
            spread([cost(s) for s in good], lambda n: f"{factor * n:.2f}"),
            spread(ratios, _ratio),
            _standing(ratios) if ratios and _is_peer(tool) else "-",
            spread([s.rate for s in good], _count),
            spread(_pairs(samples, found["scenarios"][scenario.key][0], lambda s: s.rate),
                   _ratio),
            _percent(share) + (", server-bound" if share > SERVER_BOUND else ""),
        ])
    return _table(head, rows) + [scenario.about]


def _tls_memory_table(found):
    if not found["tls_memory"]:
        return []
    plain = found["memory"]

    def kib(of, name):
        return _kib(of[name]) if of.get(name) is not None else "-"

    rows = [[tool.name] + ([kib(plain, tool.name), kib(found["tls_memory"], tool.name)]
                           if tool.path() else ["not installed", "-"])
            for tool in found["bench"].tls_tools]
    return _table(["KiB for each waiting connection", "plain", "TLS"], rows) + [TLS_MEMORY]


def _scenario_aims(found):
    """Against the peer that comes nearest."""
    for scenario in found["bench"].scenarios:
        ratios = [_scenario_ratios(found, scenario, row)
                  for row, tool in enumerate(scenario.rows) if _is_peer(tool)]
        ratios = [median(pairs) for pairs in ratios if pairs]
        yield (f"best peer's CPU / rpsd's: {scenario.title}", min(ratios) if ratios else None,
               1.0, None)


def _aim(found):
    """What the project has set itself: [text, wanted, found, met?]"""
    load, calls, memory = found["load"], found["calls"] or {}, found["memory"]

    def ratio(over, under, value):
        pairs = _pairs(load[over], load[under], value)
        return median(pairs) if pairs else None

    def moved():
        each = calls.get("rpsd")
        return each and sum(n for call, n in each.items() if call.startswith(("send", "recv")))

    def waits():
        ours, floors = calls.get("rpsd"), calls.get("floor")
        return ours and floors and ours.get("epoll_wait", 0) - floors.get("epoll_wait", 0)

    def delivered():
        rate, good = found["open"] or (0, [])
        return median(100 * s.more["ok_per_s"] / rate for s in good) if good else None

    def kib():
        return memory["rpsd"] / 1024 if memory.get("rpsd") is not None else None

    return [
        ("wrk's CPU / rpsd's", ratio("wrk", "rpsd", lambda s: s.cpu_each), 1.25, None),
        ("rpsd's requests/s / wrk's", ratio("rpsd", "wrk", lambda s: s.rate), 1.15, None),
        ("rpsd's CPU / the floor's", ratio("rpsd", "floor", lambda s: s.cpu_each), None, 1.05),
        ("rpsd's send and recv each", moved(), 1.99, 2.01),
        ("rpsd's epoll_wait less the floor's", waits(), -0.05, 0.05),
        ("open model, % of the plan", delivered(), 99.9, None),
        ("KiB for each waiting connection", kib(), None, 1.0),
    ] + list(_scenario_aims(found))


def _aims_table(found):
    rows = []
    for text, value, least, most in _aim(found):
        wanted = f"{least} to {most}" if least and most else (
            f"at least {least}" if least else f"at most {most}")
        if value is None:
            rows.append([text, wanted, "-", "not measured"])
            continue
        met = (least is None or value >= least) and (most is None or value <= most)
        rows.append([text, wanted, f"{value:.3f}", "met" if met else "missed"])
    return _table(["aim", "wanted", "found", ""], rows)


HOW = """\
- *CPU* is user and system time of all processes of the client, from wait4, their starting and
  ending included; for rpsd that is rpsctl and its private daemon. *calls* are system calls, from a
  separate pass under `strace -c -f`: a run of 2 s less a run of 1 s, so starting and ending are
  left out. The client is slow there and finds more to do at each wake-up, so epoll_wait shows less
  than in life.
- *requests/s* are from each tool's own report. *server's core* is the share of its core that the
  null server used meanwhile: above 85 % the server sets the rate, and only CPU and calls tell the
  clients apart.
- *KiB each* is user memory of a waiting connection: peak resident memory with 4,064 connections
  that all wait for an answer of 2 s, less that with 64, divided by 4,000. One pass; the kernel
  counts to about 0.1 KiB.
- *floor* sends and receives and does nothing else: no stamp, no histogram, no timeout.
- hey has one core as all clients have; ab speaks HTTP/1.0; each tool sends its own headers.
- Figures are medians (least..most). Ratios are taken inside each round, then the median.
"""

SCENARIOS = """\
64 connections where nothing else is said, one thread, as fast as it goes, {seconds} s for each tool
in each round, {long} s for handshakes; pairs as above. Of each row it is said how rpsd's CPU compares.
"""

TLS_MEMORY = """\
As above; with TLS 1,064 connections less 64, and OpenSSL's own buffers in each tool.
"""

OPEN = """\
`rpsctl run URL -r RATE -t 1 -d {seconds}s`, connections as rpsd chooses them.
"""

TALK = """\
The service takes 500 ms for each answer (the talk's takes 5 s; the rates are ten times its rates).
No request begins after {seconds} s; those under way are waited for. Nobody can do better than 2.00
for each place. CPU includes starting: of rpsctl and rpsd, of Python. The first four forms and
--no-keepalive open a connection for each request; select goes no further than 1,024 descriptors.
"""

ALIKE = """\
Each tool's own count was held against the null server's, run by run: none differed by more than 1 %
(or by more than what was under way at the end), and no tool reported a failure.
"""


def render(found):
    bench = found["bench"]
    seconds, talk = _talk_table(found)
    lines = ["# rpsd beside others", "", "Written by `make bench`: figures of one machine, to be "
             "compared with each other only.", ""]
    lines += [f"- {name}: {text}" for name, text in found["facts"]] + [""]
    lines += ["## What a request costs the client", ""]
    lines += _load_table(found) + _calls_table(found) + [HOW]
    lines += ["## TLS, large bodies, many connections, pipelines", "", SCENARIOS.format(
        seconds=max(1, bench.seconds // 2), long=bench.seconds)]
    for scenario in bench.scenarios:
        lines += _scenario_table(found, scenario)
    lines += _tls_memory_table(found)
    lines += ["## The open model at 80 % of the closed ceiling", ""]
    lines += [OPEN.format(seconds=bench.seconds)] + _open_table(found)
    lines += ["## The talk's forms, side by side", "", TALK.format(seconds=seconds)] + talk
    lines += ["## What was aimed at", ""] + _aims_table(found)
    lines += ["## The counts", ""]
    lines += [f"- {note}" for note in bench.notes] or [ALIKE.rstrip("\n")]
    return "\n".join(lines) + "\n"
