from alimock import Emulator
from alimock.testing import TestSession


def before_all(context):
    context.emulator = Emulator().start()


def before_scenario(context, scenario):
    context.session = TestSession(context.emulator, strict=True, name=scenario.name)


def after_scenario(context, scenario):
    if scenario.status == "failed":
        print(context.session.report())
    else:
        context.session.check()
    context.session.end()


def after_all(context):
    context.emulator.stop()
