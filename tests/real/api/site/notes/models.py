import uuid

from django.db import models


class Note(models.Model):
    title = models.CharField(max_length=100)
    text = models.TextField(blank=True)
    key = models.UUIDField(default=uuid.uuid4, editable=False)
    after = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL)


class Comment(models.Model):
    note = models.ForeignKey(Note, related_name="comments", on_delete=models.CASCADE)
    text = models.TextField()
    written = models.DateTimeField(auto_now_add=True)
