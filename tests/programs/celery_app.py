"""Celery with its results in Redis: `celery_app.py URL store ID JSON` and `celery_app.py URL get ID`."""

import json
import sys

from celery import Celery

url, what, task = sys.argv[1:4]
app = Celery("app", backend=url)
if what == "store":
    app.backend.store_result(task, json.loads(sys.argv[4]), "SUCCESS")
else:
    result = app.AsyncResult(task)
    print(json.dumps([result.status, result.get(timeout=5), result.date_done.isoformat()]))
