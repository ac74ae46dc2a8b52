"""A list of notes and their comments as JSON: one file, so that it can be read in one go. manage.py ADDRESS:PORT serves it."""

import os
import sys

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="the-same-on-both-sides-since-they-share-one-database",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF="manage",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rest_framework", "knox", "notes"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DATABASE"], "OPTIONS": {"timeout": 20}}},
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": ["knox.auth.TokenAuthentication"]},
    REST_KNOX={"USER_SERIALIZER": None},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    USE_TZ=True,
)
sys.modules.setdefault("manage", sys.modules[__name__])
django.setup()

from django.urls import include, path
from knox.views import LoginView, LogoutView
from notes.models import Comment, Note
from rest_framework import permissions, routers, serializers, viewsets
from rest_framework.authtoken.serializers import AuthTokenSerializer


class CommentSerializer(serializers.ModelSerializer):
    class Meta:
        model = Comment
        fields = ["id", "note", "text", "written"]


class NoteSerializer(serializers.ModelSerializer):
    comments = CommentSerializer(many=True, read_only=True)

    class Meta:
        model = Note
        fields = ["id", "title", "text", "key", "after", "comments"]


class Notes(viewsets.ModelViewSet):
    queryset = Note.objects.order_by("-id")
    serializer_class = NoteSerializer
    permission_classes = [permissions.IsAuthenticated]


class Comments(viewsets.ModelViewSet):
    queryset = Comment.objects.order_by("-id")
    serializer_class = CommentSerializer
    permission_classes = [permissions.IsAuthenticated]


class Login(LoginView):
    permission_classes = [permissions.AllowAny]

    def post(self, request, format=None):
        serializer = AuthTokenSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        request.user = serializer.validated_data["user"]
        return super().post(request, format=None)


router = routers.DefaultRouter(trailing_slash=False)
router.register("notes", Notes)
router.register("comments", Comments)
urlpatterns = [
    path("api/", include(router.urls)),
    path("api/login", Login.as_view()),
    path("api/logout", LogoutView.as_view()),
]

if __name__ == "__main__":
    from django.core.management import call_command

    call_command("runserver", sys.argv[1], use_reloader=False, use_threading=True)
