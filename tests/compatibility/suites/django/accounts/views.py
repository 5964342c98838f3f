from django.conf import settings
from django.http import HttpResponse
from django.urls import path
from signup import Signup


def sign_up(request):
    signup = Signup(settings.SIGNUP_ENDPOINT, settings.SIGNUP_PROTOCOL)
    return HttpResponse(signup.invite(request.GET["email"]))


urlpatterns = [path("sign-up", sign_up)]
