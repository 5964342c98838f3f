from alimock.testing import environment
from behave import given, then, when
from signup import Signup


@given("{email} is {outcome}")
def step_prepare(context, email, outcome):
    context.session.client.addresses.put(email, outcome)


@when("{email} signs up")
def step_sign_up(context, email):
    with environment(context.session.client):
        context.answer = Signup(context.session.client.endpoint, "http").invite(email)


@then('the answer is "{text}"')
def step_answer(context, text):
    assert context.answer == text


@then("{email} gets an email")
def step_email(context, email):
    assert context.session.client.outbox.wait().to == email
