-- wrk.lua - a chat with each request, and what wrk saw as one line that a
-- program reads: its own report rounds, and knows no p99 below 1 %.
--   wrk ... -s wrk.lua URL -- BODY [HEADER: VALUE]...
function init(args)
   wrk.method = "POST"
   wrk.body = args[1]
   wrk.headers["Content-Type"] = "application/json"
   for i = 2, #args do
      local name, value = args[i]:match("^([^:]+): (.*)$")
      wrk.headers[name] = value
   end
end

function done(summary, latency, requests)
   local e = summary.errors
   io.write(string.format("peers: requests=%d duration_us=%d p50_us=%d p99_us=%d max_us=%d status=%d socket=%d timeout=%d\n",
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
      e.status, e.connect + e.read + e.write, e.timeout))
end
