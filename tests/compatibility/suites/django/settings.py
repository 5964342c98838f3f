SECRET_KEY = "only-for-tests"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["accounts"]
ROOT_URLCONF = "accounts.views"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
SIGNUP_ENDPOINT = "domain.aliyuncs.com"
SIGNUP_PROTOCOL = "https"
STATIC_URL = "static/"
