"""A client of the official Python SDK: uses the reference server at the URL given, and prints what it got as JSON."""

import asyncio
import json
import sys

from mcp import Client
from mcp.client.sse import sse_client
from mcp_types import CreateMessageResult, ListRootsResult, Root, TextContent


async def sample(context, params):
    text = TextContent(type="text", text=f"sampled {params.max_tokens} tokens")
    return CreateMessageResult(role="assistant", model="test-model", content=text)


async def list_roots(context):
    return ListRootsResult(roots=[Root(uri="file:///a/root", name="a root")])


async def main(url):
    transport = sse_client(url) if "/sse" in url else url
    steps = []

    async def progressed(progress, total, message):
        steps.append([progress, total])

    async with Client(
        transport, sampling_callback=sample, list_roots_callback=list_roots, read_timeout_seconds=20
    ) as client:

        async def call(name, arguments, **options):
            result = await client.call_tool(name, arguments, **options)
            return "\n".join(item.text for item in result.content if item.type == "text")

        return {
            "protocol": client.protocol_version,
            "server": client.server_info.name,
            "tools": sorted(tool.name for tool in (await client.list_tools()).tools),
            "prompts": sorted(prompt.name for prompt in (await client.list_prompts()).prompts),
            "resources": len((await client.list_resources()).resources),
            "echo": await call("echo", {"message": "grüß dich 👩‍💻"}),
            "long": await call(
                "trigger-long-running-operation", {"duration": 0.4, "steps": 4}, progress_callback=progressed
            ),
            "progress": steps,
            "sampling": await call("trigger-sampling-request", {"prompt": "hello", "maxTokens": 17}),
            "roots": await call("get-roots-list", {}),
        }


print(json.dumps(asyncio.run(main(sys.argv[1]))))
