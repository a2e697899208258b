-- One route of the Door under wrk, paced: each connection waits before every request, so that all together ask at a rate.
--
--   ROUTE=track KEY=gbw_... PEOPLE=2000 PERIOD_MS=3333 wrk -t1 -c800 -d180s --latency -s route.lua http://127.0.0.1:3000
--
-- PERIOD_MS is connections / rate * 1000. Waits are uniform around it, 0.6 to 1.4 of it; phases are random from the start.
-- What came out is printed as one line of JSON.

local route = os.getenv("ROUTE")
local people = tonumber(os.getenv("PEOPLE"))
local period = tonumber(os.getenv("PERIOD_MS"))
local headers = { ["Authorization"] = "Bearer " .. os.getenv("KEY") }
local json_headers = { ["Authorization"] = headers["Authorization"], ["Content-Type"] = "application/json" }

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  math.randomseed(os.time() + #route)
  statuses = ""
end

function delay()
  return math.random(math.floor(0.6 * period), math.ceil(1.4 * period))
end

local function somebody()
  return "user-" .. math.random(0, people - 1)
end

local requests = {
  track = function()
    local body = string.format(
      '{"userId":"%s","event":"product_view","properties":{"item_id":"sku-%d","category":"shoes","price":59.9}}',
      somebody(), math.random(1, 500))
    return wrk.format("POST", "/v1/track", json_headers, body)
  end,
  score = function() return wrk.format("GET", "/api/v1/scores/churn/" .. somebody(), headers) end,
  profile = function() return wrk.format("GET", "/api/v1/users/" .. somebody() .. "/profile", headers) end,
}

function request()
  return requests[route]()
end

function response(status)
  if status > 299 and #statuses < 500 then statuses = statuses .. " " .. status end
end

function done(summary, latency)
  local said = ""
  for _, thread in ipairs(threads) do said = said .. thread:get("statuses") end
  local e = summary.errors
  io.write(string.format(
    '\n{"route":"%s","requests":%d,"seconds":%.3f,"p50_ms":%.3f,"p95_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f,' ..
    '"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d,"statuses":"%s"}\n',
    route, summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(95) / 1e3,
    latency:percentile(99) / 1e3, latency.max / 1e3, e.connect, e.read, e.write, e.timeout, e.status, said))
end
