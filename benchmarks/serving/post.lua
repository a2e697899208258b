-- wrk script, the peer's post.lua with a key: POST the bodies of $BODIES in turn; prints one line of JSON at the end
local reqs, i = {}, 0
function init(args)
  for line in io.lines(os.getenv("BODIES")) do
    reqs[#reqs + 1] = wrk.format("POST", nil, {["Content-Type"] = "application/json", ["Authorization"] = os.getenv("KEY")}, line)
  end
end
function request() i = i % #reqs + 1; return reqs[i] end
function done(s, l, r)
  io.write(string.format('RESULT {"n":%d,"us":%d,"p50":%f,"p99":%f,"max":%f,"bad":%d,"sock":%d}\n', s.requests, s.duration,
    l:percentile(50), l:percentile(99), l.max, s.errors.status, s.errors.connect + s.errors.read + s.errors.write + s.errors.timeout))
end
