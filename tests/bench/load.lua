-- The requests of a load, for wrk: -s load.lua URL -- KIND ARGUMENT...
--   get                                  the URL, nothing more
--   accounts FILE COUNT                  each request by the next of COUNT log-ins
--   questions FIRST COUNT                /questions/ID/choice, the next of COUNT ids each time
--   votes FILE COUNT FIRST QUESTIONS     each request the vote of another account; when all have voted
--                                        on a question, on to the next
-- Ends with a line LOAD and JSON.
local threads = 0
local next_request

function setup(thread)
  thread:set("id", threads)
  threads = threads + 1
end

local function lines(file, count)
  local found = {}
  for line in io.lines(file) do
    if #found == count then break end
    found[#found + 1] = line
  end
  return found
end

-- Every request text made once, then taken in turn.
local function in_turn(texts)
  local i = id * 7919
  return function()
    i = i + 1
    return texts[i % #texts + 1]
  end
end

local kinds = {}

function kinds.get()
  local text = wrk.format("GET")
  return function() return text end
end

function kinds.accounts(file, count)
  local texts = {}
  for i, session in ipairs(lines(file, tonumber(count))) do
    texts[i] = wrk.format("GET", nil, { Cookie = "sessionid=" .. session })
  end
  return in_turn(texts)
end

function kinds.questions(first, count)
  local texts = {}
  for i = 1, tonumber(count) do
    texts[i] = wrk.format("GET", "/questions/" .. (first + i - 1) .. "/choice")
  end
  return in_turn(texts)
end

-- One client thread alone casts votes, so that no account votes twice on a question. The texts of a
-- question are made once, but for the log-in: to make each whole takes this client longer than to send it.
function kinds.votes(file, count, first, questions)
  local sessions, i, question = lines(file, tonumber(count)), 0, tonumber(first)
  local last = question + tonumber(questions) - 1
  local heads, tails
  local function prepare()
    heads, tails = {}, {}
    for n = 0, 2 do
      local text = wrk.format("POST", "/questions/" .. question .. "/vote", {
        Accept = "application/json",
        Cookie = "sessionid=@",
        ["Content-Type"] = "application/x-www-form-urlencoded",
      }, "choice_id=" .. (3 * question + n))
      local at = text:find("@", 1, true)
      heads[n], tails[n] = text:sub(1, at - 1), text:sub(at + 1)
    end
  end
  prepare()
  return function()
    if i == #sessions and question < last then
      i, question = 0, question + 1
      prepare()
    end
    i = i % #sessions + 1
    local n = i % 3
    return heads[n] .. sessions[i] .. tails[n]
  end
end

function init(arguments)
  next_request = kinds[arguments[1]](unpack(arguments, 2))
end

function request()
  return next_request()
end

function done(summary, latency)
  local e = summary.errors
  print(string.format(
    'LOAD {"requests": %d, "seconds": %.6f, "errors": %d, "p50_us": %d, "p99_us": %d}',
    summary.requests, summary.duration / 1e6, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
