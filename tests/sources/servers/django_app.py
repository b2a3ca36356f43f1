"""A Django REST framework application: one table, listed in each of the framework's three paginations.

It runs in the environment of requirements.lock, by `uvicorn tests.sources.servers.django_app:application`, with the
table's file in ITEMS. https://www.django-rest-framework.org/api-guide/pagination/
"""

import os
from typing import Any

import django
from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["ITEMS"]}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    INSTALLED_APPS=["rest_framework"],
    REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": [], "UNAUTHENTICATED_USER": None},
    ROOT_URLCONF=__name__,
    SECRET_KEY="for tests only",
    USE_TZ=True,
)
django.setup()

from django.core.asgi import get_asgi_application  # noqa: E402  after the setup
from django.db import models  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework import generics, pagination, serializers  # noqa: E402


class Item(models.Model):
    title = models.TextField()
    version = models.IntegerField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        app_label = "items"
        db_table = "items"
        managed = False


class Items(serializers.ModelSerializer):
    class Meta:
        model = Item
        fields = "__all__"


class ByPage(pagination.PageNumberPagination):
    page_size = 20


class ByOffset(pagination.LimitOffsetPagination):
    default_limit = 20


class ByCursor(pagination.CursorPagination):
    page_size = 20
    ordering = ("-updated_at", "-id")


class List(generics.ListAPIView):
    serializer_class = Items

    def get_queryset(self) -> Any:
        since = self.request.query_params.get("updated_since")
        found = Item.objects.order_by("-updated_at", "-id")
        return found.filter(updated_at__gte=since) if since else found


urlpatterns = [
    path("pages/", List.as_view(pagination_class=ByPage)),
    path("offsets/", List.as_view(pagination_class=ByOffset)),
    path("cursors/", List.as_view(pagination_class=ByCursor)),
]
application = get_asgi_application()
