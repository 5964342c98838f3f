import unittest

from alimock import Emulator
from alimock.testing import TestSession, environment
from signup import Signup


class ReportTest(unittest.TestCase):
    @unittest.expectedFailure
    def test_wrong_token(self):
        with Emulator() as emulator, TestSession(emulator) as session, environment(session.client):
            Signup(session.client.endpoint, "http").confirm("a wrong token")
