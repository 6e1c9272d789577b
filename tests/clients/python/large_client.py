"""A client of the official Python SDK: calls tools whose results are above its limit for an event, and prints their lengths as JSON."""

import asyncio
import json
import sys

from mcp import Client

LENGTH = 2_000_000


async def main(url):
    async with Client(url, read_timeout_seconds=20) as client:

        async def length(name, arguments):
            result = await client.call_tool(name, arguments)
            return len(result.content[0].text)

        return {
            "protocol": client.protocol_version,
            "fast": await length("big", {"bytes": LENGTH}),
            "slow": await length("delay", {"ms": 1500, "text": "x" * LENGTH}),
        }


print(json.dumps(asyncio.run(main(sys.argv[1]))))
