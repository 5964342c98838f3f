import unittest

from alimock import Emulator
from alimock.testing import TestSession, environment
from app import create_app


def setUpModule():
    global emulator
    emulator = unittest.enterModuleContext(Emulator())


class SignUpTest(unittest.TestCase):
    def setUp(self):
        self.alimock = self.enterContext(TestSession(emulator, strict=True)).client
        self.enterContext(environment(self.alimock))
        app = create_app({"TESTING": True, "SIGNUP_ENDPOINT": self.alimock.endpoint, "SIGNUP_PROTOCOL": "http"})
        self.client = app.test_client()

    def test_user_gets_an_email(self):
        response = self.client.post("/sign-up", data={"email": "jo@example.com"})
        self.assertEqual(response.get_json(), {"message": "check your inbox"})
        self.assertEqual(self.alimock.outbox.wait().to, "jo@example.com")
