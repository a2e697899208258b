-- wrk script: POST events to the path of $EVENTS_PATH, $EVENTS_EACH of them each time, every message id once
local each, n, tag = tonumber(os.getenv("EVENTS_EACH")), 0, os.getenv("EVENTS_TAG")
local headers = {["Content-Type"] = "application/json", ["Authorization"] = os.getenv("KEY")}
local function event()
  n = n + 1
  return string.format('{"type":"track","messageId":"%s-%d","userId":"u-%d","event":"product_view","properties":{"item_id":"sku-%d","category":"shoes"}}',
    tag, n, n % 5000, n % 500)
end
function request()
  if each == 1 then return wrk.format("POST", os.getenv("EVENTS_PATH"), headers, event()) end
  local made = {}
  for i = 1, each do made[i] = event() end
  return wrk.format("POST", os.getenv("EVENTS_PATH"), headers, '{"batch":[' .. table.concat(made, ",") .. "]}")
end
function done(s, l, r)
  io.write(string.format('RESULT {"n":%d,"us":%d,"p50":%f,"p99":%f,"max":%f,"bad":%d,"sock":%d}\n', s.requests, s.duration,
    l:percentile(50), l:percentile(99), l.max, s.errors.status, s.errors.connect + s.errors.read + s.errors.write + s.errors.timeout))
end
