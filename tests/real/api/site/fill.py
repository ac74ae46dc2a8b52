"""Makes the database."""

import manage  # noqa: F401
from django.contrib.auth.models import User
from django.core.management import call_command
from notes.models import Comment, Note

call_command("migrate", run_syncdb=True, verbosity=0)
for number in range(4):
    User.objects.create_user(f"user{number}", password="secret")
for number in range(30):
    note = Note.objects.create(title=f"Note {number}")
    Comment.objects.create(note=note, text=f"On {number}")
