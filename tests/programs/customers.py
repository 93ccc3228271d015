"""Customers as JSON by redis-py: `customers.py URL write`, `read`, and `count TIMES`, which counts `py` by WATCH, MULTI and EXEC."""

import json
import sys

import redis

url, what = sys.argv[1:3]
client = redis.Redis.from_url(url)
if what == "write":
    customer = {"schema": 1, "fullName": "Ada", "visits": "0", "wei": 1234567890123456789012, "py": 0, "js": 0}
    client.set("customer:17", json.dumps(customer))
if what in ("write", "read"):
    print(json.dumps(json.loads(client.get("customer:17"))))
if what == "count":
    counted = 0
    while counted < int(sys.argv[3]):
        with client.pipeline() as pipe:
            try:
                pipe.watch("customer:17")
                customer = json.loads(pipe.get("customer:17"))
                customer["py"] += 1
                pipe.multi()
                pipe.set("customer:17", json.dumps(customer))
                pipe.execute()
                counted += 1
            except redis.WatchError:
                pass
