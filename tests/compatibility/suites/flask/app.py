from flask import Flask, current_app, request
from signup import Signup


def create_app(config):
    app = Flask("shop")
    app.config.update(config)

    @app.post("/sign-up")
    def sign_up():
        signup = Signup(current_app.config["SIGNUP_ENDPOINT"], current_app.config["SIGNUP_PROTOCOL"])
        return {"message": signup.invite(request.form["email"])}

    return app
