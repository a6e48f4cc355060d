"""A Flask and a Bottle program that say what they read, as one WSGI callable: for test_fronts.py."""

import bottle
import flask

in_flask, in_bottle = flask.Flask(__name__), bottle.Bottle()


@in_flask.post("/flask")
def read_in_flask():
    return flask.request.get_data()


@in_bottle.post("/bottle")
def read_in_bottle():
    return bottle.request.body.read()


def application(environ, start_response):
    program = in_bottle if environ["PATH_INFO"] == "/bottle" else in_flask
    return program(environ, start_response)
