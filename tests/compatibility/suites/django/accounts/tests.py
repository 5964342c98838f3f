import unittest
from urllib.request import urlopen

from alimock import Emulator
from alimock.testing import TestSession, environment
from django.test import LiveServerTestCase, TestCase


def setUpModule():
    global emulator
    emulator = unittest.enterModuleContext(Emulator())


class Emulated:
    def setUp(self):
        super().setUp()
        self.alimock = self.enterContext(TestSession(emulator, strict=True)).client
        self.enterContext(environment(self.alimock))
        self.enterContext(self.settings(SIGNUP_ENDPOINT=self.alimock.endpoint, SIGNUP_PROTOCOL="http"))


class SignUpTest(Emulated, TestCase):
    def test_user_gets_an_email(self):
        response = self.client.get("/sign-up", {"email": "jo@example.com"})
        self.assertContains(response, "check your inbox")
        self.assertEqual(self.alimock.outbox.wait().to, "jo@example.com")


class LiveSignUpTest(Emulated, LiveServerTestCase):
    def test_user_gets_an_email_from_the_running_server(self):
        with urlopen(f"{self.live_server_url}/sign-up?email=jo@example.com") as response:
            self.assertEqual(response.read(), b"check your inbox")
        self.assertEqual(self.alimock.outbox.wait().to, "jo@example.com")
