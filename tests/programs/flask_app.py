"""A Flask application with Flask-Session: `flask_app.py URL FORMAT COOKIE`. It sends one request to itself, and prints the cookie and
what it was answered."""

import sys

import flask
import flask_session
import redis

url, serialization, cookie = sys.argv[1:4]
app = flask.Flask(__name__)
app.config.update(
    SESSION_TYPE="redis",
    SESSION_REDIS=redis.Redis.from_url(url),
    SESSION_SERIALIZATION_FORMAT=serialization,
    SESSION_KEY_PREFIX="session:",
    PERMANENT_SESSION_LIFETIME=600,
)
flask_session.Session(app)


@app.get("/")
def count():
    flask.session["views"] = flask.session.get("views", 0) + 1
    flask.session.setdefault("user", {"name": "ada"})
    return f"views {flask.session['views']}, user {flask.session['user']['name']}"


client = app.test_client()
if cookie:
    client.set_cookie("session", cookie)
answer = client.get("/")
assert answer.status_code == 200, answer.status
print(client.get_cookie("session").value, answer.text, sep="\n")
