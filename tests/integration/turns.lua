-- wrk: GET and POST in turn.
local n = 0

function request()
    n = n + 1
    if n % 2 == 0 then
        return wrk.format("POST", "/wrk", nil, string.rep("x", 300))
    end
    return wrk.format("GET", "/wrk")
end
