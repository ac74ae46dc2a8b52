from django.db import models
from wagtail.admin.panels import FieldPanel
from wagtail.api import APIField
from wagtail.fields import RichTextField
from wagtail.models import Page
from wagtail.search import index


class HomePage(Page):
    pass


class ArticlePage(Page):
    date = models.DateField("Date of the article")
    intro = models.CharField(max_length=250)
    body = RichTextField(blank=True)
    api_fields = [APIField("date"), APIField("intro"), APIField("body")]
    search_fields = Page.search_fields + [index.SearchField("intro"), index.SearchField("body")]
    content_panels = Page.content_panels + [FieldPanel("date"), FieldPanel("intro"), FieldPanel("body")]
