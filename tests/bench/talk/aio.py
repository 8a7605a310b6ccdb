# SPDX-License-Identifier: Apache-2.0
"""And without crutches: asyncio, an aiohttp session that keeps its connections, a producer task.

usage: aio.py PORT SECONDS TASKS    No request begins after SECONDS; TASKS at most are under way.
"""
import asyncio
import sys
import time

import aiohttp

PORT, SECONDS, TASKS = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
URL = f"http://127.0.0.1:{PORT}/"

done = 0


async def request(session, places):
    global done
    async with session.get(URL) as response:
        await response.read()
        done += response.status == 200
    places.release()


async def produce():
    places = asyncio.Semaphore(TASKS)
    connector = aiohttp.TCPConnector(limit=TASKS)
    async with aiohttp.ClientSession(connector=connector) as session:
        under_way = set()
        while True:
            await places.acquire()
            if time.monotonic() >= start + SECONDS:
                break
            task = asyncio.create_task(request(session, places))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        await asyncio.gather(*under_way)


start = time.monotonic()
asyncio.run(produce())
print("requests", done, "seconds", time.monotonic() - start)
