"""A client of the official Python SDK of revision 2026-07-28: uses the conformance fixture at the URL given, and prints what it got as JSON."""

import asyncio
import json
import sys

from mcp import Client
from mcp_types import CreateMessageResult, ElicitResult, ListRootsResult, Root, TextContent


async def sample(context, params):
    return CreateMessageResult(role="assistant", model="m", content=TextContent(type="text", text="sampled"))


async def list_roots(context):
    return ListRootsResult(roots=[Root(uri="file:///a/root", name="a root")])


async def elicit(context, params):
    return ElicitResult(action="accept", content={"name": "Ada", "answer": "x"})


async def main(url):
    steps = []

    async def progressed(progress, total, message):
        steps.append(progress)

    async with Client(
        url,
        sampling_callback=sample,
        list_roots_callback=list_roots,
        elicitation_callback=elicit,
        read_timeout_seconds=20,
    ) as client:

        async def call(name, arguments={}, **options):
            result = await client.call_tool(name, arguments, **options)
            return "\n".join(item.text for item in result.content)

        await client.list_tools()
        return {
            "protocol": client.protocol_version,
            "progress": await call("test_tool_with_progress", progress_callback=progressed) and steps,
            "elicited": await call("test_input_required_result_elicitation"),
            "several": await call("test_input_required_result_multiple_inputs"),
            "rounds": await call("test_input_required_result_multi_round"),
            "header": await call("test_custom_header", {"region": "grüß dich"}),
        }


print(json.dumps(asyncio.run(main(sys.argv[1]))))
