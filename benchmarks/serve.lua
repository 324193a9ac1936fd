-- Asks for the paths of a file, one after the other; says in the end, as one line of JSON, how it was.
local paths, at = {}, 0

function init(arguments)
  for path in io.lines(arguments[1]) do
    paths[#paths + 1] = path
  end
end

function request()
  at = at % #paths + 1
  return wrk.format("GET", paths[at])
end

function done(summary, latency, _)
  local errors = summary.errors
  local line = '{"requests": %d, "seconds": %f, "refused": %d, "broken": %d, "p50": %f, "p99": %f, "max": %f}\n'
  io.write(line:format(
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3))
end
