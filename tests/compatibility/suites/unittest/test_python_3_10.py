import unittest
from contextlib import ExitStack

from alimock import Emulator
from alimock.testing import TestSession, environment
from signup import Signup


def setUpModule():
    global emulator
    emulator = Emulator().start()
    unittest.addModuleCleanup(emulator.stop)


class SignupTest(unittest.TestCase):
    def setUp(self):
        stack = ExitStack()
        self.addCleanup(stack.close)
        self.alimock = stack.enter_context(TestSession(emulator, strict=True)).client
        stack.enter_context(environment(self.alimock))

    def test_user_gets_an_email(self):
        Signup(self.alimock.endpoint, "http").invite("jo@example.com")
        self.assertEqual(self.alimock.outbox.wait().to, "jo@example.com")
