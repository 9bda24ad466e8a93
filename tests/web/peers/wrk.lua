-- Asks for URL/1, URL/2, ..., and counts the answers that are wrong: not one that was asked for, or that was there before.
local threads = {}

function setup(thread)
    table.insert(threads, thread)
end

function init(args)
    path = wrk.path
    expected = args[1]
    numbered = expected == nil
    number, right, wrong, example = 0, 0, 0, ""
    asked = {}
end

function request()
    if not numbered then
        return wrk.format()
    end
    number = number + 1
    asked[number] = true
    return wrk.format(nil, path .. number)
end

function response(status, headers, body)
    local good
    if numbered then
        local found = tonumber(body:match("^number (%d+)$"))
        good = found and asked[found]
        if good then
            asked[found] = nil
        end
    else
        good = body == expected
    end
    if good and status == 200 then
        right = right + 1
    else
        wrong, example = wrong + 1, status .. " " .. body
    end
end

function done(summary, latency, requests)
    local all_right, all_wrong, last = 0, 0, ""
    for _, thread in ipairs(threads) do
        all_right = all_right + thread:get("right")
        all_wrong = all_wrong + thread:get("wrong")
        last = last .. thread:get("example")
    end
    local e = summary.errors
    io.write(string.format("RIGHT %d WRONG %d ERRORS %d %s\n", all_right, all_wrong,
        e.connect + e.read + e.write + e.status + e.timeout, last))
end
