import unittest

from alimock import Emulator
from alimock.testing import TestSession, environment
from signup import Signup


def setUpModule():
    global emulator
    emulator = unittest.enterModuleContext(Emulator())


class SignupTest(unittest.TestCase):
    def setUp(self):
        self.alimock = self.enterContext(TestSession(emulator, strict=True)).client
        self.enterContext(environment(self.alimock))
        self.signup = Signup(endpoint=self.alimock.endpoint, protocol="http")

    def test_user_confirms_an_address(self):
        self.assertEqual(self.signup.invite("jo@example.com"), "check your inbox")
        self.signup.confirm(self.alimock.outbox.wait(to="jo@example.com").token)
        self.assertTrue(self.signup.is_verified("jo@example.com"))

    def test_daily_quota_is_explained(self):
        self.alimock.addresses.put("jo@example.com", "quota-exceeded")
        self.assertEqual(self.signup.invite("jo@example.com"), "try again tomorrow")


if __name__ == "__main__":
    unittest.main()
