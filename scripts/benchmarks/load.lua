-- For wrk: calls of the tool `echo`, every one with an id of its own, for a session serves any number of connections.
-- Arguments: session id, bytes of the message, first id (ten digits, which all ids of a run have), Accept, a token or ''.
local before, after, id

function init(args)
  local session, bytes, accept, token = args[1], tonumber(args[2]), args[4], args[5]
  id = tonumber(args[3])
  local head = '{"jsonrpc":"2.0","id":'
  after = ',"method":"tools/call","params":{"name":"echo","arguments":{"message":"' .. string.rep("x", bytes) .. '"}}}'
  before = "POST " .. wrk.path .. " HTTP/1.1\r\n"
    .. "Host: " .. wrk.headers["Host"] .. "\r\n"
    .. "Content-Type: application/json\r\n"
    .. "Accept: " .. accept .. "\r\n"
    .. ((token == nil or token == "") and "" or "Authorization: Bearer " .. token .. "\r\n")
    .. "Mcp-Session-Id: " .. session .. "\r\n"
    .. "Mcp-Protocol-Version: 2025-06-18\r\n"
    .. "Content-Length: " .. (#head + 10 + #after) .. "\r\n\r\n"
    .. head
end

function request()
  id = id + 1
  return before .. id .. after
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"seconds":%f,"requests":%d,"bytes":%d,"refused":%d,"broken":%d,"p50Ms":%f,"p99Ms":%f}\n',
    summary.duration / 1e6, summary.requests, summary.bytes, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
