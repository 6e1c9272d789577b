"""Lists the tools of every server in a file of Cursor's settings, one JSON object on stdout."""

import asyncio
import json
import sys

from mcp import ClientSession
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client


async def tools_of(server):
    connect = sse_client if server["type"] == "sse" else streamable_http_client
    async with connect(server["url"]) as streams, ClientSession(*streams[:2]) as session:
        await session.initialize()
        return [tool.name for tool in (await session.list_tools()).tools]


async def main(path):
    with open(path, encoding="utf-8") as file:
        servers = json.load(file)["mcpServers"]
    print(json.dumps({name: await tools_of(server) for name, server in servers.items()}))


asyncio.run(main(sys.argv[1]))
